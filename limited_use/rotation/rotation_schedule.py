"""When a key epoch must end, so that a destroyed key's wrapping outlives no promise."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings

from limited_use.models import KeyEpoch
from limited_use.policy.key_lines import KeyLine

# Rotate this much before the promised hour: of a day, an hour for failed attempts.
MARGIN: Final = 1 / 24


def get_max_hours(line: KeyLine) -> int:
    if line is KeyLine.OWN:
        return max(int(settings.BACKUP_RETENTION_DAYS) * 24, int(settings.KEY_EPOCH_HOURS))
    return int(settings.KEY_EPOCH_HOURS)


def is_rotation_due(line: KeyLine, *, at: datetime, max_hours: int) -> bool:
    """:param max_hours: how long a key's epoch may live after its disconnect"""
    # The oldest live epoch: after an interrupted rotation, it stays due until it is destroyed.
    began_at = (
        KeyEpoch.objects.filter(line=line, destroyed_at=None)
        .order_by("number")
        .values_list("began_at", flat=True)
        .first()
    )
    return began_at is not None and at >= began_at + timedelta(hours=max_hours * (1 - MARGIN))
