"""The page on which an event is made. Nothing that was typed is lost, whatever comes of it."""

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

from accounts.permissions import page
from accounts.roles import Permission
from integrations.access.request_context import Asked, asked_by
from integrations.calendar import agenda, calendar_list
from integrations.calendar.calendar_access import Visible
from integrations.calendar.events import access, service
from integrations.calendar.events import errors as event_errors
from integrations.calendar.events.results import Written
from integrations.calendar.events.validation import BadDraft
from limited_use.sinks import calendar as sink
from limited_use.sinks.calendar import Opened, Shown

from . import (
    calendar_choices,
    display_timezone,
    new_event_initial,
    preferences,
    writable_calendars,
    write_messages,
)
from .forms import EventForm, calendar_of


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@page(Permission.USE_OWN)
def new(request: HttpRequest) -> HttpResponse:
    """Show the form for an event, and make one; sent twice it makes one."""
    asked = asked_by(request)
    if request.method != "POST":
        form = EventForm(initial=new_event_initial.initial(request, asked))
        return HttpResponse(_page(request, asked, form))
    typed = request.POST.copy()
    form, why, status = EventForm(typed), "", 400
    if form.is_valid():
        try:
            made = _create(asked, form)
        except BadDraft as bad:
            form.refuse(bad)
        except write_messages.FORESEEN as error:
            why, status = write_messages.why(error), write_messages.status(error)
            if isinstance(error, event_errors.KeyReused):
                typed["key"] = str(uuid4())
        else:
            messages.success(request, "It is in your calendar.")
            if made.id is not None:
                return redirect("calendar-event", made.id)
            day = form.cleaned_data["start_day"]
            return redirect(f"{reverse('calendar')}?day={day:%Y-%m-%d}")
    return HttpResponse(_page(request, asked, form, why=why), status=status)


def _create(asked: Asked, form: EventForm) -> Written:
    given = form.cleaned_data
    draft = form.draft()
    return service.create(
        asked,
        access.find_calendar(asked, given["calendar"]),
        draft,
        key=str(given["key"]),
        notify="all" if given["notify"] else "none",
        require_free=[asked.user_id] if given["require_free"] else (),
    )


def _page(request: HttpRequest, asked: Asked, form: EventForm, *, why: str = "") -> bytes:
    found = [one for one in agenda.everything(asked) if one.share is None]
    rows, permits = calendar_list.named(asked, found)
    return sink.calendar_page(
        "calendar/new.html",
        rows,
        permits=permits,
        viewer=asked.actor,
        make=_offered(found, preferences.zone(request), calendar_of(form)),
        at=asked.at,
        context={
            "form": form,
            "why": why,
            "zones": sorted(preferences.ZONES),
            "chosen_zone": form["zone"].value() or "",
            "closed": _closed(found),
        },
        request=request,
    )


def _offered(
    found: Sequence[Visible], zone: str | None, chosen: UUID | None
) -> Callable[[Opened], Sequence[Shown]]:
    """Return how a sink makes the calendars that an event may be written in."""
    offered = {one.calendar.id for one in found if writable_calendars.is_open(one)}

    def make(opened: Opened) -> Sequence[Shown]:
        about = [orjson.loads(values["about"]) if "about" in values else {} for _, values in opened]
        calendars = calendar_choices.named(found, about, offered=offered, chosen=chosen)
        return [
            Shown(
                {"is_any": bool(calendars)},
                {"calendars": calendars, "zone": display_timezone.of(zone, found, about).key},
            )
        ]

    return make


def _closed(found: Sequence[Visible]) -> list[Mapping[str, Any]]:
    """Return the accounts whose calendars could be written in, had that been allowed there."""
    ours = {
        one.calendar.integration.connection_id: one.calendar.integration.connection.provider
        for one in found
        if one.calendar.role in writable_calendars.ROLES and not writable_calendars.is_open(one)
    }
    return [{"connection_id": key, "provider": provider} for key, provider in ours.items()]
