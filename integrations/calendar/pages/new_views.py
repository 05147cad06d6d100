"""The page that creates an event. Entered values survive every error."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

import orjson
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations.access.request_context import RequestContext, get_request_context
from integrations.calendar import agenda, calendar_list
from integrations.calendar.calendar_access import VisibleCalendar
from integrations.calendar.events import event_access, event_service
from integrations.calendar.events import write_errors as event_errors
from integrations.calendar.events.event_validation import BadEventDraft
from integrations.calendar.events.write_results import EventWriteResult
from integrations.calendar.messages import pages as page_messages
from limited_use.sinks import calendar_sink as sink
from limited_use.sinks.calendar_sink import OpenedRows, TemplateItem

from . import (
    calendar_choices,
    calendar_preferences,
    display_timezone,
    new_event_initial,
    writable_calendars,
    write_messages,
)
from .event_form import EventForm, get_calendar_id


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.USE_OWN)
def new_event(request: HttpRequest) -> HttpResponse:
    """Sent twice, the form creates one event."""
    request_context = get_request_context(request)
    if request.method != "POST":
        form = EventForm(initial=new_event_initial.get_initial(request, request_context))
        return HttpResponse(_render_page(request, request_context, form))
    sent_data = request.POST.copy()
    form, message, status = EventForm(sent_data), "", 400
    if form.is_valid():
        try:
            result = _create_event(request_context, form)
        except BadEventDraft as bad_draft:
            form.add_draft_errors(bad_draft)
        except write_messages.EXPECTED_ERRORS as error:
            message, status = (
                write_messages.get_write_error_message(error),
                write_messages.get_write_error_status(error),
            )
            if isinstance(error, event_errors.EventKeyReused):
                sent_data["key"] = str(uuid4())
        else:
            messages.success(request, page_messages.CREATED)
            if result.event_id is not None:
                return redirect("calendar-event", result.event_id)
            day = form.cleaned_data["start_day"]
            return redirect(f"{reverse('calendar')}?day={day:%Y-%m-%d}")
    return HttpResponse(
        _render_page(request, request_context, form, message=message), status=status
    )


def _create_event(request_context: RequestContext, form: EventForm) -> EventWriteResult:
    cleaned_data = form.cleaned_data
    draft = form.build_draft()
    return event_service.create(
        request_context,
        event_access.find_writable_calendar(request_context, cleaned_data["calendar"]),
        draft,
        key=str(cleaned_data["key"]),
        notify="all" if cleaned_data["notify"] else "none",
        require_free=[request_context.user_id] if cleaned_data["require_free"] else (),
    )


def _render_page(
    request: HttpRequest, request_context: RequestContext, form: EventForm, *, message: str = ""
) -> bytes:
    visible_calendars = [
        visible
        for visible in agenda.get_visible_calendars(request_context)
        if visible.share is None
    ]
    rows, permits = calendar_list.get_name_rows(request_context, visible_calendars)
    return sink.calendar_page(
        "calendar/new.html",
        rows,
        permits=permits,
        viewer=request_context.actor,
        make=_make_form_presenter(
            visible_calendars,
            calendar_preferences.get_zone(request),
            get_calendar_id(form),
        ),
        at=request_context.at,
        context={
            "form": form,
            "why": message,
            "zones": sorted(calendar_preferences.ZONES),
            "chosen_zone": form["zone"].value() or "",
            "closed": _list_read_only_accounts(visible_calendars),
        },
        request=request,
    )


def _make_form_presenter(
    visible_calendars: Sequence[VisibleCalendar], zone: str | None, chosen_id: UUID | None
) -> Callable[[OpenedRows], Sequence[TemplateItem]]:
    offered_ids = {
        visible.calendar.id
        for visible in visible_calendars
        if writable_calendars.is_writable(visible)
    }

    def present_form(opened: OpenedRows) -> Sequence[TemplateItem]:
        calendar_properties = [
            orjson.loads(values["about"]) if "about" in values else {} for _, values in opened
        ]
        calendars = calendar_choices.list_calendar_choices(
            visible_calendars, calendar_properties, offered_ids=offered_ids, chosen_id=chosen_id
        )
        return [
            TemplateItem(
                {"is_any": bool(calendars)},
                {
                    "calendars": calendars,
                    "zone": display_timezone.choose_timezone(
                        zone, visible_calendars, calendar_properties
                    ).key,
                },
            )
        ]

    return present_form


def _list_read_only_accounts(
    visible_calendars: Sequence[VisibleCalendar],
) -> list[Mapping[str, Any]]:
    """Return the accounts with calendars that lack only the permission to write."""
    providers = {
        visible.calendar.integration.connection_id: visible.calendar.integration.connection.provider
        for visible in visible_calendars
        if visible.calendar.role in writable_calendars.WRITER_ROLES
        and not writable_calendars.is_writable(visible)
    }
    return [
        {"connection_id": connection_id, "provider": provider}
        for connection_id, provider in providers.items()
    ]
