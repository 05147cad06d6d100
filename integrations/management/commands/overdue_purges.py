"""Exit with an error if a promise of a disconnect is overdue: `manage.py overdue_purges`."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from integrations import purge
from integrations.purge import orphaned_keys


class Command(BaseCommand):
    help = "List overdue promises and data left after purges; exit with 1 if there is any."

    def handle(self, **_: Any) -> None:
        late_promises = purge.list_late_promises(at=timezone.now())
        residue = purge.count_purge_residue()
        for promise in late_promises:
            self.stdout.write(
                f"{promise.job_id} {promise.promise} overdue since {promise.since.isoformat()}"
            )
        for label, count in residue.items():
            self.stdout.write(f"{label}: {count} rows left after a purge")
        sealed_orphans = orphaned_keys.count_values_without_key()
        for label, count in sealed_orphans.items():
            self.stdout.write(f"{label}: {count} values sealed under a missing key")
        orphan_keys = orphaned_keys.count_keys_without_owner()
        for key_line, count in orphan_keys.items():
            self.stdout.write(f"{key_line}: {count} keys without an owner")
        if late_promises or residue or sealed_orphans or orphan_keys:
            sys.exit(1)
        self.stdout.write("no promise is overdue")
