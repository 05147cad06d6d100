"""
Delete events, and tell the features that read their calendar.

A removal names an occurrence by its series: the API addresses occurrences by the id of the series
and a time, and their times are sealed. So a feature deletes all occurrences, and reads those that
still exist again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import NamedTuple
from uuid import UUID

from django.db.models import Q, QuerySet

from integrations.models import Calendar, Event, EventKind, RemovalReason
from integrations.purge import feature_removals


class WrittenEvent(NamedTuple):
    """
    What a write of an event says about its occurrences.

    :param last_week: None: without an end
    """

    row_id: UUID
    kind: str
    blind: bytes
    series_blind: bytes | None
    last_week: int | None


def delete_events(calendar: Calendar, blinds: Iterable[bytes], *, at: datetime) -> None:
    """
    Delete events that the provider, or the owner of a local calendar, deleted. A series is deleted
    with all its exceptions.
    """
    blind_list = list(blinds)
    rows = Event.objects.filter(calendar_id=calendar.id).filter(
        Q(remote_blind__in=blind_list) | Q(series_blind__in=blind_list)
    )
    delete_event_rows(
        rows,
        integration_id=calendar.integration_id,
        reason=RemovalReason.DELETED_AT_PROVIDER,
        at=at,
    )


def delete_event_rows(
    rows: QuerySet[Event],
    *,
    integration_id: UUID,
    reason: RemovalReason,
    at: datetime,
    calendar_ids: Iterable[UUID] = (),
) -> int:
    """
    Return the number of deleted events.

    :param rows: of one integration, which the caller has locked
    :param calendar_ids: of calendars that end with all their events
    """
    # Evaluated before the deletion, and only if a feature read the integration.
    feature_removals.issue_item_removals(
        integration_id=integration_id,
        item_ids=chain(calendar_ids, _list_ids_of_deleted(rows)),
        reason=reason,
        at=at,
    )
    return rows.delete()[0]


def report_ended_occurrences(
    calendar: Calendar, written: Sequence[WrittenEvent], *, at: datetime
) -> None:
    """
    Tell features which occurrences end with a write: cancelled ones, and those after an earlier end
    of their series.

    :param calendar: locked by the caller, who has not written the events yet
    """
    feature_removals.issue_item_removals(
        integration_id=calendar.integration_id,
        item_ids=_list_ids_of_ended(calendar, written),
        reason=RemovalReason.DELETED_AT_PROVIDER,
        at=at,
    )


def _list_ids_of_deleted(rows: QuerySet[Event]) -> Iterator[UUID]:
    # A cancelled occurrence shows nothing.
    shown = rows.exclude(kind=EventKind.CANCELLED)
    yield from shown.values_list("id", flat=True)
    for calendar_id, blinds in _group_by_calendar(shown.exclude(series_blind=None)).items():
        yield from _find_series_ids(calendar_id, blinds)


def _group_by_calendar(rows: QuerySet[Event]) -> Mapping[UUID, set[bytes]]:
    blinds: dict[UUID, set[bytes]] = {}
    for calendar_id, blind in rows.values_list("calendar_id", "series_blind").distinct():
        blinds.setdefault(calendar_id, set()).add(bytes(blind or b""))
    return blinds


def _list_ids_of_ended(calendar: Calendar, written: Sequence[WrittenEvent]) -> Iterator[UUID]:
    rows = Event.objects.filter(calendar_id=calendar.id)
    cancelled = {event.blind: event for event in written if event.kind == EventKind.CANCELLED}
    known = rows.filter(remote_blind__in=list(cancelled))
    for row_id, kind, blind in known.values_list("id", "kind", "remote_blind"):
        if kind == EventKind.CANCELLED:
            del cancelled[bytes(blind)]
        else:
            yield row_id
    yield from _find_series_ids(
        calendar.id, {event.series_blind for event in cancelled.values() if event.series_blind}
    )
    others = {event.row_id: event for event in written if event.kind != EventKind.CANCELLED}
    series = rows.filter(id__in=list(others), kind=EventKind.SERIES)
    for row_id, last_week in series.values_list("id", "last_week"):
        if _ends_earlier(others[row_id], last_week):
            yield row_id


def _ends_earlier(event: WrittenEvent, last_week: int | None) -> bool:
    if event.kind != EventKind.SERIES:
        return True
    return event.last_week is not None and (last_week is None or event.last_week < last_week)


def _find_series_ids(calendar_id: UUID, blinds: Iterable[bytes]) -> Iterator[UUID]:
    series = Event.objects.filter(calendar_id=calendar_id, kind=EventKind.SERIES)
    yield from series.filter(remote_blind__in=list(blinds)).values_list("id", flat=True)
