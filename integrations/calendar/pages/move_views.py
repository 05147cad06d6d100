from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations.access.request_context import ObjectNotFound, get_request_context
from integrations.calendar import event_lookup, page_queries
from integrations.calendar.event_lookup import EventId
from integrations.calendar.events import event_service
from integrations.calendar.events.event_validation import BadEventDraft
from integrations.calendar.messages import pages as page_messages
from integrations.calendar.page_queries import EventPageData
from limited_use.sinks import calendar_sink as sink
from limited_use.sinks.calendar_sink import OpenedRows, TemplateItem
from limited_use.vault.envelope import Damaged

from . import (
    calendar_choices,
    calendar_preferences,
    event_presenter,
    event_views,
    writable_calendars,
    write_messages,
)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.USE_OWN)
def move_event(request: HttpRequest, event_id: str) -> HttpResponse:
    """Move the event on POST; a series moves as a whole."""
    if request.method != "POST":
        return _render_page(request, event_id)
    try:
        target_id = UUID(request.POST.get("calendar", ""))
    except ValueError:
        return _render_page(
            request, event_id, message=str(page_messages.CALENDAR_MISSING), status=400
        )
    try:
        moved = event_service.move(
            get_request_context(request),
            _get_series_id(event_id),
            etag=request.POST.get("version", ""),
            to=target_id,
            notify=event_views.get_notify_choice(request),
        )
    except ObjectNotFound:
        # The event or the calendar: the page shows which.
        return _render_page(
            request,
            event_id,
            message=write_messages.get_write_error_message(ObjectNotFound()),
            status=409,
        )
    except BadEventDraft as bad_draft:
        return _render_page(
            request, event_id, message=" ".join(bad_draft.fields.values()), status=400
        )
    except write_messages.EXPECTED_ERRORS as error:
        return _render_page(
            request,
            event_id,
            message=write_messages.get_write_error_message(error),
            status=write_messages.get_write_error_status(error),
        )
    messages.success(request, page_messages.MOVED)
    return redirect("calendar-event", moved.event_id) if moved.event_id else redirect("calendar")


def _render_page(
    request: HttpRequest, event_id: str, *, message: str = "", status: int = 200
) -> HttpResponse:
    request_context = get_request_context(request)
    try:
        parsed_id = _get_series_id(event_id)
        page_data = page_queries.get_event_page_data(request_context, parsed_id)
        body = sink.calendar_page(
            "calendar/move.html",
            page_data.rows,
            permits=page_data.permits,
            viewer=request_context.actor,
            make=_make_move_presenter(
                page_data,
                event_presenter.EventPageOptions(parsed_id, calendar_preferences.get_zone(request)),
            ),
            at=request_context.at,
            context={"why": message},
            request=request,
        )
    except ObjectNotFound:
        return event_views.render_gone(request)
    except (event_lookup.CalendarNotCurrent, Damaged) as error:
        return event_views.render_unavailable(request, is_damaged=isinstance(error, Damaged))
    return HttpResponse(body, status=status)


def _get_series_id(event_id: str) -> EventId:
    """A move never refers to one occurrence."""
    return EventId(event_lookup.parse_event_id(event_id).row_id)


def _make_move_presenter(
    page_data: EventPageData, options: event_presenter.EventPageOptions
) -> Callable[[OpenedRows], Sequence[TemplateItem]]:
    present_event = event_presenter.make_event_presenter(page_data, options)
    target_ids = {
        visible.calendar.id
        for visible in writable_calendars.list_move_targets(page_data.visible, page_data.calendars)
    }

    def present_page(opened: OpenedRows) -> Sequence[TemplateItem]:
        calendar_properties = event_presenter.read_calendar_properties(page_data, opened)
        calendars = calendar_choices.list_calendar_choices(
            page_data.calendars, calendar_properties, offered_ids=target_ids
        )
        return [
            TemplateItem(presented.clear, {**presented.opened, "calendars": calendars})
            for presented in present_event(opened)
        ]

    return present_page
