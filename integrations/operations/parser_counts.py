"""
How often parser processes refused a task or were replaced, over all processes of the service.

Each process counts in memory (`parsers.refusal_counts`). Its heartbeat adds the counts to a row per
event, so that every process shows the same and a restart resets nothing.
"""

from __future__ import annotations

from typing import Final, get_args

import django.db
from django.db.models import F

from integrations.models import ParserCount
from integrations.parsers import refusal_counts

EVENTS: Final[tuple[refusal_counts.Event, ...]] = get_args(refusal_counts.Event)


def record() -> None:
    """
    Add what this process counted to the table.

    :raises django.db.Error: if the database is away; the counts are kept for the next time
    """
    taken = refusal_counts.take()
    for event, count in sorted(taken.items()):
        try:
            _add(event, count)
        except django.db.Error:
            for left in sorted(taken):
                if left >= event:
                    refusal_counts.add(left, taken[left])
            raise


def list_totals() -> dict[str, int]:
    """Return how often each event happened; 0 where it never did."""
    found = dict(ParserCount.objects.values_list("event", "count"))
    return {event: found.get(event, 0) for event in EVENTS}


def _add(event: str, count: int) -> None:
    ParserCount.objects.bulk_create([ParserCount(event=event)], ignore_conflicts=True)
    ParserCount.objects.filter(event=event).update(count=F("count") + count)
