"""Exit with an error if a promise of a disconnect is overdue: `manage.py overdue_purges`."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from integrations import purge
from integrations.purge import orphaned_keys


class Command(BaseCommand):
    help = "List promises that are late and what was left behind; exit 1 if there is any."

    def handle(self, **_: Any) -> None:
        late_promises = purge.list_late_promises(at=timezone.now())
        residue = purge.count_purge_residue()
        for promise in late_promises:
            self.stdout.write(
                f"{promise.job_id} {promise.promise} late since {promise.since.isoformat()}"
            )
        for label, count in residue.items():
            self.stdout.write(f"{label}: {count} left of what is purged")
        sealed_orphans = orphaned_keys.count_values_without_key()
        for label, count in sealed_orphans.items():
            self.stdout.write(f"{label}: {count} sealed under a key that is not here")
        orphan_keys = orphaned_keys.count_keys_without_owner()
        for key_line, count in orphan_keys.items():
            self.stdout.write(f"{key_line}: {count} keys that are nobody's")
        if late_promises or residue or sealed_orphans or orphan_keys:
            sys.exit(1)
        self.stdout.write("every promise is kept")
