from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import orjson
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import request_limits
from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations.access.request_context import RequestContext, get_request_context
from integrations.calendar import (
    agenda,
    calendar_list,
    free_busy_access,
    free_busy_query,
    meeting_times,
)
from integrations.calendar.calendar_access import VisibleCalendar
from integrations.calendar.messages import pages as messages
from limited_use.sinks import calendar_sink as sink
from limited_use.sinks.calendar_sink import OpenedRows, TemplateItem
from limited_use.vault.envelope import Unopenable

from . import calendar_preferences, display_timezone, find_time_form
from .find_time_form import FindTimeForm

_TEMPLATE: Final = "calendar/find.html"
_ZONES: Final = sorted(calendar_preferences.ZONES)


@never_cache
@require_safe
@require_permission(RolePermission.USE_OWN)
def find_time(request: HttpRequest) -> HttpResponse:
    """Show the form; with a query, show the free times."""
    request_context = get_request_context(request)
    people = free_busy_access.list_colleagues(request_context)
    initial = {
        "first_day": calendar_preferences.get_today(request, request_context.at),
        "zone": calendar_preferences.get_zone(request),
    }
    form = FindTimeForm(request.GET or None, people=people, initial=initial)
    if not form.is_valid():
        return HttpResponse(
            _render_form(request, request_context, form), status=400 if form.is_bound else 200
        )
    usage = request_limits.count_for_person(request, free_busy_query.RATE)
    if not usage.is_within:
        message = str(messages.TOO_MANY_SEARCHES)
        response = HttpResponse(
            _render_form(request, request_context, form, message=message), status=429
        )
        return request_limits.add_retry_after(response, usage)
    search = form.build_search(request_context.user_id)
    render_page = partial(
        sink.calendar_page,
        _TEMPLATE,
        context={"form": form, "has_answer": True, "why": "", "zones": _ZONES},
        request=request,
    )
    present_times = find_time_form.make_times_presenter(search, people)
    try:
        return HttpResponse(
            meeting_times.find_meeting_times(
                request_context, search, make=present_times, output_sink=render_page
            )
        )
    except Unopenable:
        message = str(messages.SHARE_ENDED)
        return HttpResponse(
            _render_form(request, request_context, form, message=message), status=409
        )


def _render_form(
    request: HttpRequest, request_context: RequestContext, form: FindTimeForm, *, message: str = ""
) -> bytes:
    visible_calendars = [
        visible
        for visible in agenda.get_visible_calendars(request_context)
        if visible.share is None
    ]
    rows, permits = calendar_list.get_name_rows(request_context, visible_calendars)
    return sink.calendar_page(
        _TEMPLATE,
        rows,
        permits=permits,
        viewer=request_context.actor,
        make=_make_zone_presenter(visible_calendars, calendar_preferences.get_zone(request)),
        at=request_context.at,
        context={"form": form, "has_answer": False, "why": message, "zones": _ZONES},
        request=request,
    )


def _make_zone_presenter(
    visible_calendars: Sequence[VisibleCalendar], zone: str | None
) -> Callable[[OpenedRows], Sequence[TemplateItem]]:
    """The default zone is that of the person, else that of a calendar."""

    def present_zone(opened: OpenedRows) -> Sequence[TemplateItem]:
        calendar_properties = [
            orjson.loads(values["about"]) if "about" in values else {} for _, values in opened
        ]
        return [
            TemplateItem(
                {},
                {
                    "zone": display_timezone.choose_timezone(
                        zone, visible_calendars, calendar_properties
                    ).key
                },
            )
        ]

    return present_zone
