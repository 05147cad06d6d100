"""One account's calendars: what is kept of each and until when, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import orjson
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.defaultfilters import pluralize
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.actors import get_actor
from accounts.permissions import page
from accounts.roles import Permission
from integrations.access.request_context import NotAChoice, NotFound, asked_by
from integrations.calendar import cache_settings, calendar_access, calendar_list, event_json
from integrations.calendar.calendar_access import Visible
from integrations.models import CACHE_CHOICES, Event
from integrations.providers import PROVIDERS
from integrations.web import ownership
from integrations.web.form_numbers import read_number
from limited_use.policy.claims import claim
from limited_use.sinks import calendar as sink
from limited_use.sinks.calendar import Shown

PAGE = "settings-calendars"


@never_cache
@require_safe
@page(Permission.USE_OWN)
def calendars(request: HttpRequest, integration_id: UUID) -> HttpResponse:
    """Return what is kept of each calendar, from when, until when, and with whom it is shared."""
    asked = asked_by(request)
    actor, at = asked.actor, asked.at
    integration = ownership.integration(actor, integration_id)
    if integration.product != "calendar":
        raise Http404
    own = calendar_access.own(actor=actor, user_id=asked.user_id)
    found = [one for one in own if one.calendar.integration_id == integration.id]
    rows, permits = calendar_list.named(asked, found)
    context = {
        "integration": integration,
        "provider": PROVIDERS[integration.connection.provider],
        "choices": CACHE_CHOICES,
        "hours": found[0].hours if found else 24,
    }
    return HttpResponse(
        sink.calendar_page(
            "settings/calendars.html",
            rows,
            permits=permits,
            viewer=actor,
            make=partial(_made, at=at),
            context=context,
            under="calendars",
            request=request,
            at=at,
        )
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@page(Permission.USE_OWN)
def erase(request: HttpRequest, integration_id: UUID) -> HttpResponse:
    """Say exactly what goes; on a click, delete it."""
    actor, at = get_actor(request), timezone.now()
    integration = ownership.integration(actor, integration_id)
    if integration.product != "calendar" or not PROVIDERS[integration.connection.provider].grants:
        # A calendar that is stored only in Antares is no copy: it has a page of its own.
        raise Http404
    if request.method == "POST":
        count = cache_settings.erase(actor=actor, integration_id=integration_id, at=at)
        messages.success(
            request,
            claim("erase.done", f"Deleted: {count} event{pluralize(count)}, and the keys to them."),
        )
        return redirect(PAGE, integration_id)
    context = {
        "integration": integration,
        "provider": PROVIDERS[integration.connection.provider],
        "event_count": Event.objects.filter(integration_id=integration_id).count(),
    }
    return render(request, "settings/calendars_erase.html", context)


@never_cache
@require_POST
@page(Permission.USE_OWN)
def again(request: HttpRequest, integration_id: UUID) -> HttpResponse:
    actor = get_actor(request)
    ownership.integration(actor, integration_id)
    try:
        cache_settings.ask_again(actor=actor, integration_id=integration_id, at=timezone.now())
    except NotFound:
        raise Http404 from None
    messages.success(request, "Your calendars are asked for now.")
    return redirect(PAGE, integration_id)


@never_cache
@require_POST
@page(Permission.USE_OWN)
def keep(request: HttpRequest, integration_id: UUID) -> HttpResponse:
    actor = get_actor(request)
    ownership.integration(actor, integration_id)
    try:
        cache_settings.keep_for(
            actor=actor,
            integration_id=integration_id,
            hours=read_number(request.POST.get("hours", "")) or 0,
        )
    except NotFound:
        raise Http404 from None
    except NotAChoice:
        messages.error(request, "Choose one of the lengths on the list.")
    else:
        messages.success(request, "Saved. What is older goes within a minute.")
    return redirect(PAGE, integration_id)


def _made(opened: sink.Opened, *, at: datetime) -> list[Shown]:
    """Return each calendar as the page shows it. Called inside the sink."""
    return [_shown(seen, values, event_json.copy_of(seen, at=at)) for seen, values in opened]


def _shown(seen: Visible, values: Mapping[str, bytes], copy: Mapping[str, Any]) -> Shown:
    is_named = "about" in values
    name = orjson.loads(values["about"])["name"] if is_named else ""
    clear = {"calendar": seen.calendar, "copy": copy, "is_named": is_named}
    return Shown(clear, {"name": name})
