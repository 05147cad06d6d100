"""
Busy times of people, for an actor who may know them.

Only times are opened. Old copies are refreshed together, within a bounded time; a copy that is
then missing, or does not cover the window, is unknown. A share withdrawn during the request
counts as absent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from accounts.rate_limit_counters import Rate
from integrations.access import calendar_permits
from integrations.access.calendar_permits import CalendarViewRequest
from integrations.access.request_context import RequestContext
from integrations.formats.recurrence import recurrence_expansion
from integrations.formats.recurrence.free_busy import UNKNOWN, BusyTimes
from integrations.models.calendar import DAYS_BACK
from limited_use.policy.policy_vocabulary import DataClass
from limited_use.sinks import calendar_sink as sink
from limited_use.sinks.sealed_rows import Permits, SealedRow
from limited_use.vault.envelope import Unopenable

from . import busy_times, event_rows, free_busy_access, refresh_on_read
from .calendar_access import VisibleCalendar
from .free_busy_access import FreeBusyAccess

_FREEBUSY: Final = DataClass.CALENDAR_FREEBUSY
# Rows of one response, and of one calendar; a calendar with more is unknown.
MAX_ROWS: Final = 50_000
MAX_ROWS_OF_CALENDAR: Final = 10_000
#: Requests by a person, or on their behalf: each may open `MAX_ROWS`.
RATE: Final = Rate("free-busy", 60, 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeBusyQuery:
    """
    :param start: aware, like `end`
    :param zone: an IANA name: days begin in this zone
    :param zones: other zones, by person
    :param is_live: whether the times must be those at the providers now
    """

    people: Sequence[UUID]
    calendars: Sequence[UUID] = ()
    start: datetime
    end: datetime
    zone: str
    zones: Mapping[UUID, str] = field(default_factory=dict)
    is_live: bool = False


@dataclass(frozen=True, slots=True)
class FreeBusyResult:
    by_calendar: Mapping[UUID, BusyTimes]
    calendars_by_person: Mapping[UUID, Sequence[UUID]]

    def get_person(self, user_id: UUID) -> BusyTimes:
        return busy_times.merge_calendars(
            self.by_calendar, self.calendars_by_person.get(user_id, ())
        )

    def get_calendar(self, calendar_id: UUID) -> BusyTimes:
        return self.by_calendar.get(calendar_id, UNKNOWN)


MakeAnswer = Callable[[FreeBusyResult], Any]
#: A sink of `limited_use.sinks.calendar_sink` that returns bytes.
CalendarSink = Callable[..., bytes]


def answer_query(
    context: RequestContext,
    query: FreeBusyQuery,
    *,
    make: MakeAnswer,
    output_sink: CalendarSink | None = None,
) -> bytes:
    """
    Pass the busy times to `make` inside the sink; return its result through `output_sink`.

    :raises limited_use.guard.guard.AccessRefused: also if a feature asks for another person
    :raises limited_use.vault.envelope.Unopenable: if a share was withdrawn, twice in a row
    """
    free_busy_access.refuse_strangers(context, query.people)
    try:
        return _answer_once(context, query, make, output_sink)
    except Unopenable:
        # A share was withdrawn between decision and opening. The second try does not select it.
        return _answer_once(context, query, make, output_sink)


def _answer_once(
    context: RequestContext,
    query: FreeBusyQuery,
    make: MakeAnswer,
    output_sink: CalendarSink | None,
) -> bytes:
    asker_access = free_busy_access.get_free_busy_access(context)
    needed_calendars = asker_access.select_calendars(query.people, query.calendars)
    since = context.at if query.is_live else None
    request_refresh = (
        refresh_on_read.request_live_refresh if query.is_live else refresh_on_read.request_refresh
    )
    refreshing = request_refresh(needed_calendars, at=context.at)
    if refreshing:
        refresh_on_read.wait_for_refresh(refreshing, since=since)
        # A share may have been withdrawn during the wait.
        asker_access = free_busy_access.get_free_busy_access(context)
    calendars = asker_access.select_calendars(query.people, query.calendars)
    covering = [visible for visible in calendars if _covers_query(visible, query, context.at)]
    answerable, rows = _limit_rows(covering, query)
    permits = _get_permits(context, answerable, rows)
    # Replaced copies, and calendars that may no longer be shown, are unknown.
    lost_ids = {
        row.row.visible.calendar.id for row in rows if _get_permit_key(row) not in permits
    } | {
        visible.calendar.id
        for visible in answerable
        if (visible.calendar.cache_id, _FREEBUSY) not in permits
    }
    answerable = [visible for visible in answerable if visible.calendar.id not in lost_ids]
    rows = [row for row in rows if row.row.visible.calendar.id not in lost_ids]
    return (output_sink or sink.calendar_json)(
        rows,
        permits=permits,
        viewer=context.actor,
        make=partial(
            _build_result,
            question=query,
            asker_access=asker_access,
            answerable=answerable,
            make=make,
        ),
        at=context.at,
    )


def _covers_query(visible: VisibleCalendar, query: FreeBusyQuery, at: datetime) -> bool:
    """Return whether the rows have all events of the window, as of now."""
    calendar = visible.calendar
    if not visible.is_current(at) or calendar.unreadable_count:
        return False
    if query.is_live and not calendar.is_complete_since(at):
        return False
    if calendar.is_local:
        return True
    if calendar.cached_from is None or calendar.cached_until is None:
        return False
    # Older rows are deleted, regardless of the last round's window.
    covered_from = max(calendar.cached_from, at - timedelta(days=DAYS_BACK))
    return bool(covered_from <= query.start and query.end <= calendar.cached_until)


def _limit_rows(
    calendars: Sequence[VisibleCalendar], query: FreeBusyQuery
) -> tuple[list[VisibleCalendar], list[SealedRow]]:
    """Return the calendars within the limits of rows, smaller ones first, and their rows."""
    span = {"start": query.start, "end": query.end}
    counts = event_rows.count_by_calendar([visible.calendar.id for visible in calendars], **span)
    within_limit: list[VisibleCalendar] = []
    total = 0
    for visible in sorted(calendars, key=lambda visible: counts.get(visible.calendar.id, 0)):
        count = counts.get(visible.calendar.id, 0)
        total += count
        if count > MAX_ROWS_OF_CALENDAR or total > MAX_ROWS:
            break
        within_limit.append(visible)
    return within_limit, event_rows.get_busy_rows(within_limit, **span)


def _get_permits(
    context: RequestContext, calendars: Sequence[VisibleCalendar], rows: Sequence[SealedRow]
) -> Permits:
    counts = Counter(row.row.visible.calendar.id for row in rows)
    view_requests = [
        CalendarViewRequest(
            visible.calendar, (_FREEBUSY,), share=visible.share, count=counts[visible.calendar.id]
        )
        for visible in calendars
    ]
    return calendar_permits.to_view_separately(
        actor=context.actor, view_requests=view_requests, at=context.at
    )


def _get_permit_key(row: SealedRow) -> tuple[UUID, DataClass]:
    timing = row.sealed["timing"]
    if timing is None:
        raise TypeError("an event without times")
    return timing.binding.holder, timing.binding.data_class


def _build_result(
    opened_rows: sink.OpenedRows,
    *,
    question: FreeBusyQuery,
    asker_access: FreeBusyAccess,
    answerable: Sequence[VisibleCalendar],
    make: MakeAnswer,
) -> Any:
    windows = {
        visible.calendar.id: recurrence_expansion.make_time_window(
            question.start,
            question.end,
            zone=question.zones.get(visible.calendar.user_id, question.zone),
        )
        for visible in answerable
    }
    free_busy_by_calendar = dict.fromkeys(asker_access.by_id, UNKNOWN) | busy_times.get_busy_times(
        opened_rows, windows
    )
    calendars_by_person = {
        person: [visible.calendar.id for visible in calendars]
        for person, calendars in asker_access.by_person.items()
    }
    return make(FreeBusyResult(free_busy_by_calendar, calendars_by_person))
