"""The page on which an event, or a whole series, is moved to another calendar."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.permissions import page
from accounts.roles import Permission
from integrations.access.request_context import NotFound, asked_by
from integrations.calendar import event_lookup, page_queries
from integrations.calendar.event_lookup import EventId
from integrations.calendar.events import service
from integrations.calendar.events.validation import BadDraft
from integrations.calendar.page_queries import OneEvent
from limited_use.sinks import calendar as sink
from limited_use.sinks.calendar import Opened, Shown
from limited_use.vault.envelope import Damaged

from . import (
    calendar_choices,
    event_presenter,
    event_views,
    preferences,
    writable_calendars,
    write_messages,
)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@page(Permission.USE_OWN)
def move(request: HttpRequest, event_id: str) -> HttpResponse:
    """Ask where an event is to go, and take it there; of a series, all of it goes."""
    if request.method != "POST":
        return _page(request, event_id)
    try:
        to = UUID(request.POST.get("calendar", ""))
    except ValueError:
        return _page(request, event_id, why="Choose where it is to go.", status=400)
    try:
        moved = service.move(
            asked_by(request),
            _all_of(event_id),
            etag=request.POST.get("version", ""),
            to=to,
            notify=event_views.notify(request),
        )
    except NotFound:
        # Of the event or of the calendar: the page tells which.
        return _page(request, event_id, why=write_messages.why(NotFound()), status=409)
    except BadDraft as bad:
        return _page(request, event_id, why=" ".join(bad.fields.values()), status=400)
    except write_messages.FORESEEN as error:
        return _page(
            request, event_id, why=write_messages.why(error), status=write_messages.status(error)
        )
    messages.success(request, "It is moved.")
    return redirect("calendar-event", moved.id) if moved.id else redirect("calendar")


def _page(request: HttpRequest, event_id: str, *, why: str = "", status: int = 200) -> HttpResponse:
    asked = asked_by(request)
    try:
        name = _all_of(event_id)
        look = page_queries.event(asked, name)
        body = sink.calendar_page(
            "calendar/move.html",
            look.rows,
            permits=look.permits,
            viewer=asked.actor,
            make=_offered(look, event_presenter.Wish(name, preferences.zone(request))),
            at=asked.at,
            context={"why": why},
            request=request,
        )
    except NotFound:
        raise Http404 from None
    except (event_lookup.NotCurrent, Damaged) as error:
        return event_views.not_shown(request, is_damaged=isinstance(error, Damaged))
    return HttpResponse(body, status=status)


def _all_of(event_id: str) -> EventId:
    """Return what is moved, is shown, and has the version: of a series, all of it."""
    return EventId(event_lookup.event_id(event_id).row)


def _offered(look: OneEvent, wish: event_presenter.Wish) -> Callable[[Opened], Sequence[Shown]]:
    """Return how a sink makes the event, and the calendars that it may go to."""
    base = event_presenter.told(look, wish)
    others = {one.calendar.id for one in writable_calendars.others(look.seen, look.found)}

    def make(opened: Opened) -> Sequence[Shown]:
        about = event_presenter.about(look, opened)
        calendars = calendar_choices.named(look.found, about, offered=others)
        return [
            Shown(shown.clear, {**shown.opened, "calendars": calendars}) for shown in base(opened)
        ]

    return make
