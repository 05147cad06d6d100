"""
The data of calendar pages: events in a window and the names of calendars.

One policy decision covers both. Pages do not wait for a refresh.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from integrations.access import calendar_permits, cross_user_lookups
from integrations.access.calendar_permits import CalendarViewRequest
from integrations.access.request_context import RequestContext
from integrations.formats.recurrence.recurrence_expansion import TimeWindow
from integrations.models import Integration, IntegrationStatus
from limited_use.policy.policy_vocabulary import DataClass
from limited_use.sinks.sealed_rows import Permits, SealedRow

from . import agenda, calendar_access, event_lookup, event_rows, refresh_on_read
from .calendar_access import VisibleCalendar
from .event_lookup import EventId


@dataclass(frozen=True, slots=True)
class CalendarPageData:
    """
    Rows for a sink: one for each calendar, then the events.

    :param calendars: all that the viewer may see
    :param chosen_calendars: those that the viewer wants to see
    :param shown_calendars: chosen ones with events among the rows
    :param withheld_calendars: chosen ones that their sharer may not show now
    :param refreshing_calendars: chosen ones
    :param sharer_names: by user id
    """

    rows: Sequence[SealedRow]
    permits: Permits
    calendars: Sequence[VisibleCalendar]
    chosen_calendars: Sequence[VisibleCalendar]
    shown_calendars: Sequence[VisibleCalendar]
    withheld_calendars: Sequence[VisibleCalendar]
    refreshing_calendars: Sequence[VisibleCalendar]
    sharer_names: Mapping[UUID, str]

    @property
    def stale_calendars(self) -> list[VisibleCalendar]:
        """Chosen calendars that are too old, and are not being refreshed."""
        accounted = (*self.shown_calendars, *self.withheld_calendars, *self.refreshing_calendars)
        return [visible for visible in self.chosen_calendars if visible not in accounted]


def get_calendar_page_data(
    context: RequestContext, window: TimeWindow, *, hidden_ids: Collection[UUID]
) -> CalendarPageData:
    """
    :param hidden_ids: shared calendars that the viewer has hidden
    :raises limited_use.guard.guard.AccessRefused:
    """
    calendars = agenda.get_visible_calendars(context)
    chosen_calendars = [visible for visible in calendars if is_calendar_chosen(visible, hidden_ids)]
    return _read_page_data(context, window, calendars, chosen_calendars)


def get_own_calendar_page_data(context: RequestContext, window: TimeWindow) -> CalendarPageData:
    """
    Return all own calendars, hidden ones too, and no shared ones.

    :raises limited_use.guard.guard.AccessRefused:
    """
    calendars = calendar_access.get_own_calendars(actor=context.actor, user_id=context.user_id)
    return _read_page_data(context, window, calendars, calendars)


def _read_page_data(
    context: RequestContext,
    window: TimeWindow,
    calendars: Sequence[VisibleCalendar],
    chosen_calendars: Sequence[VisibleCalendar],
) -> CalendarPageData:
    refreshing = refresh_on_read.request_refresh(chosen_calendars, at=context.at)
    current_calendars = [visible for visible in chosen_calendars if visible.is_current(context.at)]
    event_rows_in_window = event_rows.get_window_rows(
        current_calendars, start=window.start, end=window.end, details=True
    )
    named_calendars = [visible for visible in calendars if _has_known_name(visible, context)]
    view_requests = [
        *_build_event_requests(current_calendars, event_rows_in_window),
        *_build_name_requests(named_calendars, current_calendars),
    ]
    permits = calendar_permits.to_view_separately(
        actor=context.actor, view_requests=view_requests, at=context.at
    )
    shown_calendars = [visible for visible in current_calendars if _is_allowed(permits, visible)]
    shown_ids = {visible.calendar.id for visible in shown_calendars}
    return CalendarPageData(
        [
            *_build_name_rows(calendars, named_calendars, permits),
            *(row for row in event_rows_in_window if row.row.visible.calendar.id in shown_ids),
        ],
        permits,
        calendars,
        chosen_calendars,
        shown_calendars,
        [visible for visible in current_calendars if visible not in shown_calendars],
        refreshing,
        _get_sharer_names(calendars, context),
    )


@dataclass(frozen=True, slots=True)
class EventPageData:
    """
    Rows for a sink: one for each calendar, in order, then the event with its series and
    exceptions.

    :param visible: the event's calendar
    """

    rows: Sequence[SealedRow]
    permits: Permits
    visible: VisibleCalendar
    calendars: Sequence[VisibleCalendar]
    sharer_name: str


def get_event_page_data(context: RequestContext, event_id: EventId) -> EventPageData:
    """
    Return an event and the names of the calendars, in one policy decision.

    :raises ObjectNotFound, event_lookup.CalendarNotCurrent,
        limited_use.guard.guard.AccessRefused:
    """
    calendars = agenda.get_visible_calendars(context)
    visible, rows = event_lookup.get_current_rows(context, event_id, calendars)
    named_calendars = [
        visible_calendar
        for visible_calendar in calendars
        if _has_known_name(visible_calendar, context)
    ]
    view_requests = [
        *_build_event_requests([visible], rows),
        *_build_name_requests(named_calendars, [visible]),
    ]
    permits = calendar_permits.to_view_separately(
        actor=context.actor,
        view_requests=view_requests,
        at=context.at,
        required_calendar_id=visible.calendar.id,
    )
    name_rows = _build_name_rows(calendars, named_calendars, permits)
    sharer_name = (
        ""
        if visible.share is None
        else _get_sharer_names([visible], context).get(visible.share.owner_id, "")
    )
    return EventPageData([*name_rows, *rows], permits, visible, calendars, sharer_name)


def get_description_data(context: RequestContext, event_id: EventId) -> EventPageData:
    """See `get_event_page_data`."""
    calendars = agenda.get_visible_calendars(context)
    visible, rows = event_lookup.get_current_rows(context, event_id, calendars)
    permits = agenda.get_calendar_view_permits(context, [visible], rows, details=True)
    return EventPageData(rows, permits, visible, [], "")


def is_calendar_chosen(visible: VisibleCalendar, hidden_ids: Collection[UUID]) -> bool:
    """For a shared calendar, the viewer's own choice counts."""
    return (
        visible.calendar.is_shown
        if visible.share is None
        else visible.calendar.id not in hidden_ids
    )


def count_pending_calendars(context: RequestContext, *, hidden_ids: Collection[UUID]) -> int:
    """Opens nothing."""
    chosen_calendars = [
        visible
        for visible in agenda.get_visible_calendars(context)
        if is_calendar_chosen(visible, hidden_ids)
    ]
    return len(refresh_on_read.request_refresh(chosen_calendars, at=context.at))


def is_awaiting_calendars(context: RequestContext) -> bool:
    """Return whether an account's list of calendars has not been read yet."""
    organisation_id = context.actor.organisation_id
    if organisation_id is None:
        return False
    own_integrations = Integration.objects.live().owned_by(context.user_id, organisation_id)
    return own_integrations.filter(product="calendar", status=IntegrationStatus.SYNCING).exists()


def _has_known_name(visible: VisibleCalendar, context: RequestContext) -> bool:
    return (
        visible.is_known(context.at)
        and visible.shows_details
        and visible.calendar.about is not None
    )


def _is_allowed(permits: Permits, visible: VisibleCalendar) -> bool:
    return calendar_permits.allows_all(permits, visible.calendar, visible.data_classes)


def _build_name_rows(
    calendars: Iterable[VisibleCalendar],
    named_calendars: Collection[VisibleCalendar],
    permits: Permits,
) -> list[SealedRow]:
    return [
        SealedRow(
            visible,
            {"about": visible.calendar.about}
            if visible in named_calendars and _may_show_name(permits, visible)
            else {},
        )
        for visible in calendars
    ]


def _may_show_name(permits: Permits, visible: VisibleCalendar) -> bool:
    return calendar_permits.allows_all(permits, visible.calendar, (DataClass.CALENDAR_EVENT,))


def _build_event_requests(
    calendars: Iterable[VisibleCalendar], rows: Iterable[SealedRow]
) -> Iterable[CalendarViewRequest]:
    counts = Counter(row.row.visible.calendar.id for row in rows)
    for visible in calendars:
        # Plus the row of the name.
        count = counts[visible.calendar.id] + 1
        yield CalendarViewRequest(
            visible.calendar, visible.data_classes, share=visible.share, count=count
        )


def _build_name_requests(
    named_calendars: Iterable[VisibleCalendar], shown_calendars: Collection[VisibleCalendar]
) -> Iterable[CalendarViewRequest]:
    for visible in named_calendars:
        if visible not in shown_calendars:
            data_classes = (DataClass.CALENDAR_EVENT,)
            yield CalendarViewRequest(
                visible.calendar, data_classes, share=visible.share, count=1, names_only=True
            )


def _get_sharer_names(
    calendars: Iterable[VisibleCalendar], context: RequestContext
) -> Mapping[UUID, str]:
    owner_ids = {visible.share.owner_id for visible in calendars if visible.share is not None}
    if not owner_ids:
        return {}
    partners = cross_user_lookups.find_share_partners(
        context.user_id, context.actor.organisation_id
    )
    return {person: partners[person].name for person in owner_ids if person in partners}
