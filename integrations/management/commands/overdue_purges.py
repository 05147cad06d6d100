"""Exit non-zero if any promise of a disconnect is late: `manage.py overdue_purges`."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from integrations import purge


class Command(BaseCommand):
    help = "List promises that are late and rows that were left behind; exit 1 if there are any."

    def handle(self, **_: Any) -> None:
        late = purge.overdue(at=timezone.now())
        left = purge.residue()
        for one in late:
            self.stdout.write(f"{one.job_id} {one.promise} late since {one.since.isoformat()}")
        for label, count in left.items():
            self.stdout.write(f"{label}: {count} left of what is purged")
        if late or left:
            sys.exit(1)
        self.stdout.write("every promise is kept")
