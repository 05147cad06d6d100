from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

from integrations.access import calendar_permits, person_references
from integrations.access.calendar_permits import CalendarViewRequest
from integrations.access.request_context import RequestContext
from limited_use.policy.policy_vocabulary import DataClass
from limited_use.sinks import calendar_sink as sink
from limited_use.sinks.sealed_rows import Permits, SealedRow

from . import agenda, event_json
from .calendar_access import VisibleCalendar

_EVENT: Final = DataClass.CALENDAR_EVENT


def get_calendar_list_json(context: RequestContext, *, envelope: Mapping[str, Any]) -> bytes:
    """
    A calendar has a name if its list entry is current and the share, if any, shows details.

    :raises limited_use.guard.guard.AccessRefused:
    """
    calendars = agenda.get_visible_calendars(context)
    rows, permits = get_name_rows(context, calendars)
    make = partial(
        _serialize_list,
        envelope=envelope,
        platform_ids=find_sharer_platform_ids(context, calendars),
        at=context.at,
    )
    return sink.calendar_json(rows, permits=permits, viewer=context.actor, make=make, at=context.at)


def get_name_rows(
    context: RequestContext, calendars: Sequence[VisibleCalendar]
) -> tuple[list[SealedRow], Permits]:
    known_calendars = [
        visible
        for visible in calendars
        if visible.is_known(context.at)
        and visible.shows_details
        and visible.calendar.about is not None
    ]
    view_requests = [
        CalendarViewRequest(
            visible.calendar, (_EVENT,), share=visible.share, count=1, names_only=True
        )
        for visible in known_calendars
    ]
    permits = calendar_permits.to_view_separately(
        actor=context.actor, view_requests=view_requests, at=context.at
    )
    named_ids = {
        visible.calendar.id
        for visible in known_calendars
        if calendar_permits.allows_all(permits, visible.calendar, (_EVENT,))
    }
    rows = [
        SealedRow(
            visible, {"about": visible.calendar.about} if visible.calendar.id in named_ids else {}
        )
        for visible in calendars
    ]
    return rows, permits


def find_sharer_platform_ids(
    context: RequestContext, calendars: Sequence[VisibleCalendar]
) -> Mapping[UUID, str]:
    """Return the platform's ids of the owners of shared calendars, by our id."""
    if all(visible.share is None for visible in calendars):
        return {}
    return person_references.find_sharer_platform_ids(context)


def _serialize_list(
    opened_rows: sink.OpenedRows,
    *,
    envelope: Mapping[str, Any],
    platform_ids: Mapping[UUID, str],
    at: datetime,
) -> dict[str, Any]:
    data = [
        event_json.serialize_calendar(visible, values, platform_ids=platform_ids, at=at)
        for visible, values in opened_rows
    ]
    return {**envelope, "data": data, "next_cursor": None, "has_more": False}
