"""
The events of all calendars within a window.

Rows are selected first, then permits for their columns, then a sink opens them. Calendars that
cannot be shown are named, never left out silently.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from accounts.actors import ActorKind
from integrations.access import calendar_permits
from integrations.access.calendar_permits import CalendarViewRequest
from integrations.access.request_context import ObjectNotFound, RequestContext
from integrations.formats import timezones
from integrations.formats.recurrence import recurrence_expansion
from integrations.formats.recurrence.recurrence_expansion import BadTimeWindow, TimeWindow
from integrations.formats.recurrence.rrule_iter import RecurrenceWorkBudget
from limited_use.policy.policy_vocabulary import DataClass
from limited_use.sinks import calendar_sink as sink
from limited_use.sinks.sealed_rows import Permits, SealedRow

from . import (
    calendar_access,
    event_descriptions,
    event_json,
    event_pagination,
    event_rows,
    occurrences,
    refresh_on_read,
)
from .calendar_access import VisibleCalendar
from .event_pagination import EventPageRequest

_EVENT: Final = DataClass.CALENDAR_EVENT
#: The longest window of one request.
MAX_WINDOW: Final = timedelta(days=100)
# Rows that one page opens, or those of one week; later rows belong to the next page.
_MAX_ROWS_PER_PAGE: Final = 5_000
# Expansion steps for all series of one response.
_MAX_STEPS: Final = 200_000


class WindowTooLong(Exception):
    """The window is longer than `MAX_WINDOW`."""


def build_window(start: datetime, end: datetime, *, zone: str) -> TimeWindow:
    """
    :raises BadTimeWindow: if it ends before it starts, or lies outside of the supported years
    :raises WindowTooLong, integrations.formats.timezones.UnknownZone:
    """
    if end <= start:
        raise BadTimeWindow
    if end - start > MAX_WINDOW:
        raise WindowTooLong
    return recurrence_expansion.make_time_window(start, end, zone=timezones.get_iana_name(zone))


def get_visible_calendars(context: RequestContext) -> list[VisibleCalendar]:
    """Own ones come first."""
    own_calendars = calendar_access.get_own_calendars(actor=context.actor, user_id=context.user_id)
    if context.actor.kind != ActorKind.PERSON or context.actor.user_id != context.user_id:
        return own_calendars
    return [
        *own_calendars,
        *calendar_access.get_shared_calendars(actor=context.actor, at=context.at),
    ]


@dataclass(frozen=True, slots=True)
class AgendaRows:
    """
    :param missing_calendars: requested calendars without events among the rows
    :param withheld_calendars: missing ones that their sharer may not show now
    :param read_until: end of the rows, if before the window's
    """

    rows: Sequence[SealedRow]
    permits: Permits
    shown_calendars: Sequence[VisibleCalendar]
    missing_calendars: Sequence[VisibleCalendar]
    withheld_calendars: Sequence[VisibleCalendar] = ()
    read_until: datetime | None = None


def read_window(
    context: RequestContext,
    window: TimeWindow,
    *,
    calendar_ids: Collection[UUID] | None = None,
    details: bool = True,
    waits: bool = True,
) -> AgendaRows:
    """
    Return the rows in the window; copies that are too old are refreshed first.

    :param calendar_ids: None: the calendars that are set to be shown
    :param waits: whether to wait for the refresh
    :raises ObjectNotFound, limited_use.guard.guard.AccessRefused:
    """
    calendars = select_calendars(context, calendar_ids)
    return read_calendars(context, calendars, window, details=details, waits=waits)


def select_calendars(
    context: RequestContext, calendar_ids: Collection[UUID] | None
) -> list[VisibleCalendar]:
    """:raises ObjectNotFound:"""
    visible_calendars = get_visible_calendars(context)
    if calendar_ids is not None and not set(calendar_ids) <= {
        visible.calendar.id for visible in visible_calendars
    }:
        raise ObjectNotFound
    return calendar_access.filter_calendars(visible_calendars, calendar_ids)


def read_calendars(  # noqa: PLR0913 - one question in full
    context: RequestContext,
    calendars: Sequence[VisibleCalendar],
    window: TimeWindow,
    *,
    details: bool,
    waits: bool,
    max_rows: int | None = None,
) -> AgendaRows:
    """
    :param max_rows: beyond it, only the window's first part is read
    :raises: see `read_window`
    """
    refreshing = refresh_on_read.request_refresh(calendars, at=context.at)
    if waits and refreshing:
        refresh_on_read.wait_for_refresh(refreshing)
    at = context.at
    current = [visible for visible in calendars if visible.is_current(at)]
    start, end = window.start, window.end
    if max_rows is None:
        rows = event_rows.get_window_rows(current, start=start, end=end, details=details)
    else:
        rows, end = event_rows.get_limited_window_rows(
            current, start=start, end=end, details=details, max_rows=max_rows
        )
    view_requests = _build_view_requests(current, rows, details=details)
    # A refusal for one sharer does not affect the calendars of others.
    permits = calendar_permits.to_view_separately(
        actor=context.actor, view_requests=view_requests, at=at
    )
    shown_calendars = [
        visible
        for visible, view_request in zip(current, view_requests, strict=True)
        if calendar_permits.allows_all(permits, visible.calendar, view_request.data_classes)
    ]
    shown_ids = {visible.calendar.id for visible in shown_calendars}
    return AgendaRows(
        [row for row in rows if row.row.visible.calendar.id in shown_ids],
        permits,
        shown_calendars,
        [visible for visible in calendars if visible not in shown_calendars],
        [visible for visible in current if visible not in shown_calendars],
        end if end < window.end else None,
    )


def get_calendar_view_permits(
    context: RequestContext,
    calendars: Sequence[VisibleCalendar],
    rows: Sequence[SealedRow],
    *,
    details: bool,
) -> Permits:
    """:raises limited_use.guard.guard.AccessRefused: if the policy forbids any row"""
    view_requests = _build_view_requests(calendars, rows, details=details)
    return calendar_permits.to_view(actor=context.actor, view_requests=view_requests, at=context.at)


def _build_view_requests(
    calendars: Sequence[VisibleCalendar], rows: Sequence[SealedRow], *, details: bool
) -> list[CalendarViewRequest]:
    counts: dict[UUID, int] = {}
    for row in rows:
        calendar_id = row.row.visible.calendar.id
        counts[calendar_id] = counts.get(calendar_id, 0) + 1
    return [
        CalendarViewRequest(
            visible.calendar,
            visible.data_classes if details else (DataClass.CALENDAR_FREEBUSY,),
            share=visible.share,
            count=counts.get(visible.calendar.id, 0),
        )
        for visible in calendars
    ]


def get_event_page_json(  # noqa: PLR0913 - one question in full
    context: RequestContext,
    window: TimeWindow,
    *,
    calendar_ids: Collection[UUID] | None = None,
    limit: int,
    envelope: Mapping[str, Any],
    cursor: str | None = None,
) -> bytes:
    """
    Return a page of occurrences by start. See `read_window`.

    A page opens at most `_MAX_ROWS_PER_PAGE` rows or one week, so it may be short though more
    follow.

    :raises page_cursors.InvalidCursor, page_cursors.ExpiredCursor: see
        `event_pagination.parse_page_request`
    :raises integrations.parsers.parser_pool.ParsersBusy: if a description must be sanitised
    """
    calendars = select_calendars(context, calendar_ids)
    page_request = event_pagination.parse_page_request(
        cursor,
        audience=context.audience_key,
        filters=event_pagination.format_filters(window, calendar_ids, calendars),
        limit=limit,
        at=context.at,
    )
    remaining = page_request.narrow_window(window)
    agenda_rows = read_calendars(
        context, calendars, remaining, details=True, waits=True, max_rows=_MAX_ROWS_PER_PAGE
    )
    if agenda_rows.read_until is not None:
        remaining = recurrence_expansion.make_time_window(
            remaining.start, agenda_rows.read_until, zone=remaining.zone.key
        )
    make = partial(
        _serialize_page,
        page=page_request,
        window=remaining,
        agenda_rows=agenda_rows,
        envelope={
            **envelope,
            "calendars": event_pagination.serialize_calendar_states(
                agenda_rows.shown_calendars,
                agenda_rows.missing_calendars,
                agenda_rows.withheld_calendars,
                at=context.at,
            ),
        },
    )
    return sink.calendar_json(
        agenda_rows.rows,
        permits=agenda_rows.permits,
        viewer=context.actor,
        make=make,
        at=context.at,
    )


def _serialize_page(
    opened: sink.OpenedRows,
    *,
    page: EventPageRequest,
    window: TimeWindow,
    agenda_rows: AgendaRows,
    envelope: Mapping[str, Any],
) -> dict[str, Any]:
    expanded = occurrences.expand_rows(opened, window, work=RecurrenceWorkBudget(_MAX_STEPS))
    page_occurrences, next_cursor = page.cut_page(
        expanded.occurrences, window, read_until=agenda_rows.read_until
    )
    page_occurrences = event_descriptions.update_occurrence_descriptions(
        page_occurrences, agenda_rows.permits
    )
    return {
        **envelope,
        "data": event_json.serialize_occurrences(page_occurrences),
        "has_more": next_cursor is not None,
        "next_cursor": next_cursor,
        "unreadable": expanded.unreadable_ids,
    }
