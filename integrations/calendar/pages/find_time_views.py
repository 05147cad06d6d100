"""The page on which a time is found that suits everybody, and taken to a new event."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import orjson
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import request_limits
from accounts.permissions import page
from accounts.roles import Permission
from integrations.access.request_context import Asked, asked_by
from integrations.calendar import (
    agenda,
    calendar_list,
    free_busy_access,
    free_busy_query,
    meeting_times,
)
from integrations.calendar.calendar_access import Visible
from limited_use.sinks import calendar as sink
from limited_use.sinks.calendar import Opened, Shown
from limited_use.vault.envelope import Unopenable

from . import display_timezone, find_time_form, preferences
from .find_time_form import FindForm

_TEMPLATE = "calendar/find.html"


@never_cache
@require_safe
@page(Permission.USE_OWN)
def find(request: HttpRequest) -> HttpResponse:
    """Ask how long, when and with whom; once asked, say when that could be."""
    asked = asked_by(request)
    people = free_busy_access.colleagues(asked)
    initial = {"first_day": asked.at.date(), "zone": preferences.zone(request)}
    form = FindForm(request.GET or None, people=people, initial=initial)
    if not form.is_valid():
        return HttpResponse(_asking(request, asked, form), status=400 if form.is_bound else 200)
    usage = request_limits.count_for_person(request, free_busy_query.RATE)
    if not usage.is_within:
        why = "That was many searches. Please wait a minute."
        refusal = HttpResponse(_asking(request, asked, form, why=why), status=429)
        return request_limits.with_retry_after(refusal, usage)
    search = form.search(asked.user_id)
    into = partial(
        sink.calendar_page,
        _TEMPLATE,
        context={"form": form, "has_answer": True, "why": ""},
        request=request,
    )
    make = find_time_form.shown(search, people)
    try:
        return HttpResponse(meeting_times.offer(asked, search, make=make, into=into))
    except Unopenable:
        why = "A calendar was taken back while we looked. Look again."
        return HttpResponse(_asking(request, asked, form, why=why), status=409)


def _asking(request: HttpRequest, asked: Asked, form: FindForm, *, why: str = "") -> bytes:
    found = [one for one in agenda.everything(asked) if one.share is None]
    rows, permits = calendar_list.named(asked, found)
    return sink.calendar_page(
        _TEMPLATE,
        rows,
        permits=permits,
        viewer=asked.actor,
        make=_zoned(found, preferences.zone(request)),
        at=asked.at,
        context={"form": form, "has_answer": False, "why": why},
        request=request,
    )


def _zoned(found: Sequence[Visible], zone: str | None) -> Callable[[Opened], Sequence[Shown]]:
    """Return how a sink says on whose clocks somebody looks who chose none: their calendar's."""

    def make(opened: Opened) -> Sequence[Shown]:
        about = [orjson.loads(values["about"]) if "about" in values else {} for _, values in opened]
        return [Shown({}, {"zone": display_timezone.of(zone, found, about).key})]

    return make
