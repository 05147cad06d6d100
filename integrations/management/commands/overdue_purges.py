"""Exit non-zero if any promise of a disconnect is late: `manage.py overdue_purges`."""

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
        late = purge.overdue(at=timezone.now())
        left = purge.residue()
        for one in late:
            self.stdout.write(f"{one.job_id} {one.promise} late since {one.since.isoformat()}")
        for label, count in left.items():
            self.stdout.write(f"{label}: {count} left of what is purged")
        stray = orphaned_keys.sealed()
        for label, count in stray.items():
            self.stdout.write(f"{label}: {count} sealed under a key that is not here")
        nobodys = orphaned_keys.keys()
        for line, count in nobodys.items():
            self.stdout.write(f"{line}: {count} keys that are nobody's")
        if late or left or stray or nobodys:
            sys.exit(1)
        self.stdout.write("every promise is kept")
