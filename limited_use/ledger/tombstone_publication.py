from __future__ import annotations

from datetime import datetime

from limited_use.models import OwedTombstone
from limited_use.vault.tombstones import Tombstone

from . import ledger_publication

BATCH = 1000


def publish_owed_tombstones(*, at: datetime) -> int:
    """
    Publish owed tombstones and return their number. Only the sequencer calls it, locked.

    After a kill, tombstones may be published twice.
    """
    count = 0
    while owed := list(OwedTombstone.objects.filter(published_at=None).order_by("id")[:BATCH]):
        ledger_publication.get_ledger_publication().append_tombstones(
            [Tombstone(row.kind, row.value) for row in owed]
        )
        OwedTombstone.objects.filter(id__in=[row.id for row in owed]).update(published_at=at)
        count += len(owed)
    return count
