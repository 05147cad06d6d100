"""
Counts of refused parser tasks and replaced parser processes, over all processes of the service.

Each process counts in memory (`parsers.refusal_counts`). Its heartbeat adds the counts to a row
per event, so that every process shows the same totals and a restart resets none.
"""

from __future__ import annotations

from typing import Final, get_args

import django.db
from django.db.models import F

from integrations.models import ParserCount
from integrations.parsers import refusal_counts

EVENTS: Final[tuple[refusal_counts.RefusalEvent, ...]] = get_args(refusal_counts.RefusalEvent)


def record_counts() -> None:
    """
    Add this process's counts to the table.

    :raises django.db.Error: if the database is unavailable; the counts are kept for the next time
    """
    counts = refusal_counts.take_counts()
    for event, count in sorted(counts.items()):
        try:
            _add_count(event, count)
        except django.db.Error:
            for remaining in sorted(counts):
                if remaining >= event:
                    refusal_counts.count_event(remaining, counts[remaining])
            raise


def list_totals() -> dict[str, int]:
    """Return the total of each event; 0 if it never happened."""
    totals = dict(ParserCount.objects.values_list("event", "count"))
    return {event: totals.get(event, 0) for event in EVENTS}


def _add_count(event: str, count: int) -> None:
    ParserCount.objects.bulk_create([ParserCount(event=event)], ignore_conflicts=True)
    ParserCount.objects.filter(event=event).update(count=F("count") + count)
