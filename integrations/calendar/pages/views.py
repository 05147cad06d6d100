from __future__ import annotations

from datetime import date
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations.access.request_context import get_request_context
from integrations.calendar import agenda, calendar_visibility, page_queries
from integrations.calendar.messages import pages as page_messages
from integrations.formats.timezones import UnknownZone
from integrations.models import OWNER_ONLY
from limited_use.sinks import calendar_sink as sink

from . import calendar_preferences, calendar_presenter, view_ranges

# Most polls for pending calendars: half a minute in total.
MAX_POLLS: Final = 15


@never_cache
@require_safe
@require_permission(RolePermission.USE_OWN)
def show_calendar(request: HttpRequest) -> HttpResponse:
    request_context, view = (
        get_request_context(request),
        calendar_preferences.get_calendar_view(request),
    )
    try:
        day = view_ranges.parse_day(request.GET.get("day", ""))
    except ValueError:
        return redirect(_build_url(view))
    calendar_preferences.remember_view(request, view)
    hidden = frozenset(calendar_preferences.get_hidden_ids(request))
    page_data = page_queries.get_calendar_page_data(
        request_context,
        view_ranges.get_query_window(view, day, at=request_context.at),
        hidden_ids=hidden,
    )
    options = calendar_presenter.CalendarPageOptions(
        view, day, calendar_preferences.get_zone(request), request_context.at
    )
    body = sink.calendar_page(
        "calendar/calendar.html",
        page_data.rows,
        permits=page_data.permits,
        viewer=request_context.actor,
        make=calendar_presenter.make_calendar_presenter(page_data, options),
        at=request_context.at,
        context={
            "tabs": [
                {
                    "view": name,
                    "label": page_messages.VIEWS[name],
                    "key": name[0],
                    "is_current": name == view,
                }
                for name in view_ranges.VIEWS
            ],
            "chosen_day": day,
            "has_keys": calendar_preferences.has_shortcuts(request),
            "coming": len(page_data.refreshing_calendars),
            "waited": 0,
            "has_waited": False,
            "lost": _count_unavailable(page_data),
            "is_importing": not page_data.calendars
            and page_queries.is_awaiting_calendars(request_context),
        },
        request=request,
    )
    return HttpResponse(body)


@never_cache
@require_safe
@require_permission(RolePermission.USE_OWN)
def show_pending_calendars(request: HttpRequest) -> HttpResponse:
    """Return how many calendars are being fetched; after the last, reload the page."""
    waited = request.GET.get("waited", "")
    poll_count = min(int(waited) if waited.isdecimal() and len(waited) < 4 else 0, MAX_POLLS) + 1  # noqa: PLR2004 - digits
    count = page_queries.count_pending_calendars(
        get_request_context(request),
        hidden_ids=frozenset(calendar_preferences.get_hidden_ids(request)),
    )
    context = {"coming": count, "waited": poll_count, "has_waited": poll_count >= MAX_POLLS}
    response = render(request, "calendar/coming.html", context)
    if not count:
        response["HX-Trigger"] = "calendars-came"
    return response


@never_cache
@require_POST
@require_permission(RolePermission.USE_OWN)
def toggle_calendar(request: HttpRequest, calendar_id: UUID) -> HttpResponse:
    request_context, is_shown = get_request_context(request), request.POST.get("show") == "yes"
    matches = [
        visible
        for visible in agenda.get_visible_calendars(request_context)
        if visible.calendar.id == calendar_id
    ]
    if not matches:
        raise Http404
    if matches[0].share is not None:
        calendar_preferences.hide_calendar(request, calendar_id, is_hidden=not is_shown)
    else:
        calendar_visibility.set_visibility(
            actor=request_context.actor, calendar_id=calendar_id, is_shown=is_shown
        )
    return redirect(_get_return_url(request))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.USE_OWN)
def edit_preferences(request: HttpRequest) -> HttpResponse:
    get_request_context(request)
    if request.method != "POST":
        context = {
            "zones": sorted(calendar_preferences.ZONES),
            "chosen": calendar_preferences.get_chosen_zone(request),
            "own_zone": calendar_preferences.get_own_zone(request),
            "has_keys": calendar_preferences.has_shortcuts(request),
        }
        return render(request, "calendar/look.html", context)
    try:
        calendar_preferences.choose_zone(request, request.POST.get("zone", ""))
    except UnknownZone:
        messages.error(request, page_messages.UNKNOWN_ZONE)
        return redirect("calendar-look")
    calendar_preferences.switch_shortcuts(request, is_on=request.POST.get("keys") == "on")
    messages.success(request, page_messages.PREFERENCES_SAVED)
    return redirect("calendar")


def _count_unavailable(page_data: page_queries.CalendarPageData) -> dict[str, int]:
    """Return the counts by reason."""
    unavailable = page_data.stale_calendars
    shared = sum(1 for visible in unavailable if visible.share is not None)
    own = [visible for visible in unavailable if visible.share is None]
    deleted = sum(1 for visible in own if visible.calendar.cleared_at is not None)
    ended = sum(1 for visible in own if visible.calendar.integration.status in OWNER_ONLY)
    withheld = len(page_data.withheld_calendars)
    return {"shared": shared, "deleted": deleted, "ended": ended, "withheld": withheld}


def _get_return_url(request: HttpRequest) -> str:
    """Return the URL of the page that sent the form: view and day only."""
    view, day = request.POST.get("view", ""), request.POST.get("day", "")
    try:
        return _build_url(view if view in view_ranges.VIEWS else "", view_ranges.parse_day(day))
    except ValueError:
        return _build_url(view if view in view_ranges.VIEWS else "")


def _build_url(view: str, day: date | None = None) -> str:
    query = {"view": view} if view else {}
    if day is not None:
        query["day"] = day.isoformat()
    return reverse("calendar") + (f"?{urlencode(query)}" if query else "")
