"""
Totals of refused parser tasks and replaced processes.

Heartbeats add each process's counts to a row per event, so that a restart resets none.
"""

from __future__ import annotations

from typing import Final, get_args

import django.db
from django.db.models import F

from integrations.models import ParserCount
from integrations.parsers import refusal_counts

EVENTS: Final[tuple[refusal_counts.RefusalEvent, ...]] = get_args(refusal_counts.RefusalEvent)


def record_counts() -> None:
    """:raises django.db.Error: the counts are kept for the next time"""
    counts = refusal_counts.take_parser_counts()
    for event, count in sorted(counts.items()):
        try:
            _add_count(event, count)
        except django.db.Error:
            for remaining in sorted(counts):
                if remaining >= event:
                    refusal_counts.count_event(remaining, counts[remaining])
            raise


def list_parser_totals() -> dict[str, int]:
    totals = dict(ParserCount.objects.values_list("event", "count"))
    return {event: totals.get(event, 0) for event in EVENTS}


def _add_count(event: str, count: int) -> None:
    ParserCount.objects.bulk_create([ParserCount(event=event)], ignore_conflicts=True)
    ParserCount.objects.filter(event=event).update(count=F("count") + count)
