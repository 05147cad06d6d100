"""Calendars in the browser: a month, a week, a day, or a list, and how they are looked at."""

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

from accounts.permissions import page
from accounts.roles import Permission
from integrations.access.request_context import asked_by
from integrations.calendar import agenda, calendar_visibility, page_queries
from integrations.formats.timezones import UnknownZone
from integrations.models import OWNER_ONLY
from limited_use.policy.claims import claim
from limited_use.sinks import calendar as sink

from . import calendar_presenter, preferences, view_ranges

# How often the page asks whether what it waits for has come: half a minute in all.
ASKS: Final = 15


@never_cache
@require_safe
@page(Permission.USE_OWN)
def calendar(request: HttpRequest) -> HttpResponse:
    """Return what happens in the days of one view, over all calendars that are to be shown."""
    asked, view = asked_by(request), preferences.view(request)
    try:
        day = _day(request.GET.get("day", ""))
    except ValueError:
        return redirect(_address(view))
    preferences.remember_view(request, view)
    hidden = frozenset(preferences.hidden(request))
    look = page_queries.look(asked, view_ranges.reach(view, day, at=asked.at), hidden=hidden)
    wish = calendar_presenter.Wish(view, day, preferences.zone(request), asked.at)
    body = sink.calendar_page(
        "calendar/calendar.html",
        look.rows,
        permits=look.permits,
        viewer=asked.actor,
        make=calendar_presenter.drawn(look, wish),
        at=asked.at,
        context={
            "tabs": [
                {"view": key, "label": label, "key": key[0], "is_current": key == view}
                for key, label in view_ranges.VIEWS.items()
            ],
            "chosen_day": day,
            "has_keys": preferences.keys(request),
            "coming": len(look.coming),
            "waited": 0,
            "has_waited": False,
            "lost": _lost(look),
            "is_importing": not look.found and page_queries.is_coming(asked),
        },
        request=request,
    )
    return HttpResponse(body)


@never_cache
@require_safe
@page(Permission.USE_OWN)
def coming(request: HttpRequest) -> HttpResponse:
    """Return whether calendars are still on their way; once they are here, have them shown."""
    waited = request.GET.get("waited", "")
    times = min(int(waited) if waited.isdecimal() and len(waited) < 4 else 0, ASKS) + 1  # noqa: PLR2004 - digits of no more than that
    count = page_queries.pending(asked_by(request), hidden=frozenset(preferences.hidden(request)))
    context = {"coming": count, "waited": times, "has_waited": times >= ASKS}
    answer = render(request, "calendar/coming.html", context)
    if not count:
        answer["HX-Trigger"] = "calendars-came"
    return answer


@never_cache
@require_POST
@page(Permission.USE_OWN)
def show(request: HttpRequest, calendar_id: UUID) -> HttpResponse:
    """Show a calendar beside the others, or hide it."""
    asked, is_shown = asked_by(request), request.POST.get("show") == "yes"
    seen = [one for one in agenda.everything(asked) if one.calendar.id == calendar_id]
    if not seen:
        raise Http404
    if seen[0].share is not None:
        preferences.hide(request, calendar_id, is_hidden=not is_shown)
    else:
        calendar_visibility.show(actor=asked.actor, calendar_id=calendar_id, is_shown=is_shown)
    return redirect(_back(request))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@page(Permission.USE_OWN)
def look_of_it(request: HttpRequest) -> HttpResponse:
    """Choose the zone that times are shown in, and whether single letters lead somewhere."""
    asked_by(request)
    if request.method != "POST":
        context = {
            "zones": sorted(preferences.ZONES),
            "chosen": preferences.zone(request),
            "has_keys": preferences.keys(request),
        }
        return render(request, "calendar/look.html", context)
    try:
        preferences.choose_zone(request, request.POST.get("zone", ""))
    except UnknownZone:
        messages.error(request, "There is no such time zone. Choose one from the list.")
        return redirect("calendar-look")
    preferences.switch_keys(request, is_on=request.POST.get("keys") == "on")
    messages.success(request, claim("look.kept", "Kept until you sign out."))
    return redirect("calendar")


def _lost(look: page_queries.Look) -> dict[str, int]:
    """Return of how many calendars nothing can be shown, by why."""
    lost = look.lost
    shared = sum(1 for one in lost if one.share is not None)
    own = [one for one in lost if one.share is None]
    deleted = sum(1 for one in own if one.calendar.cleared_at is not None)
    ended = sum(1 for one in own if one.calendar.integration.status in OWNER_ONLY)
    withheld = len(look.withheld)
    return {"shared": shared, "deleted": deleted, "ended": ended, "withheld": withheld}


def _day(text: str) -> date | None:
    """:raises ValueError: if it is no day that calendars reach"""
    if not text:
        return None
    day = date.fromisoformat(text)
    if not view_ranges.is_possible(day):
        raise ValueError(text)
    return day


def _back(request: HttpRequest) -> str:
    """Return where a form of the page came from: a view and a day, and nothing else of it."""
    view, day = request.POST.get("view", ""), request.POST.get("day", "")
    try:
        return _address(view if view in view_ranges.VIEWS else "", _day(day))
    except ValueError:
        return _address(view if view in view_ranges.VIEWS else "")


def _address(view: str, day: date | None = None) -> str:
    query = {"view": view} if view else {}
    if day is not None:
        query["day"] = day.isoformat()
    return reverse("calendar") + (f"?{urlencode(query)}" if query else "")
