"""Cache settings of one calendar account: cached calendars, retention, refresh, deletion."""

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
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.actors import get_actor
from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations.access.request_context import InvalidChoice, ObjectNotFound, get_request_context
from integrations.calendar import cache_settings, calendar_access, calendar_list, event_json
from integrations.calendar.calendar_access import VisibleCalendar
from integrations.calendar.messages import settings as settings_messages
from integrations.models import CACHE_CHOICES, Event
from integrations.providers import PROVIDERS
from integrations.web import account_rows, ownership
from integrations.web.form_numbers import read_number
from limited_use.sinks import calendar_sink as sink
from limited_use.sinks.calendar_sink import TemplateItem

ROUTE_NAME = "settings-calendars"


@never_cache
@require_safe
@require_permission(RolePermission.USE_OWN)
def show_calendars(request: HttpRequest, integration_id: UUID) -> HttpResponse:
    request_context = get_request_context(request)
    actor, at = request_context.actor, request_context.at
    integration = ownership.get_integration(actor, integration_id)
    if integration.product != "calendar":
        raise Http404
    own = calendar_access.get_own_calendars(actor=actor, user_id=request_context.user_id)
    visible_calendars = [
        visible for visible in own if visible.calendar.integration_id == integration.id
    ]
    rows, permits = calendar_list.get_name_rows(request_context, visible_calendars)
    context = {
        "integration": integration,
        "provider": PROVIDERS[integration.connection.provider],
        "choices": CACHE_CHOICES,
        # Names are stored exactly as long as a copy.
        "has_copies": any(visible.calendar.about is not None for visible in visible_calendars),
        "hours": visible_calendars[0].max_age_hours if visible_calendars else 24,
    }
    return HttpResponse(
        sink.calendar_page(
            "settings/calendars.html",
            rows,
            permits=permits,
            viewer=actor,
            make=partial(_present_calendars, at=at),
            context=context,
            under="calendars",
            request=request,
            at=at,
            accounts=account_rows.get_account_rows(integration.connection, actor=actor, at=at),
        )
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.USE_OWN)
def delete_cached_events(request: HttpRequest, integration_id: UUID) -> HttpResponse:
    """Show the number of events; on POST, delete them."""
    actor, at = get_actor(request), timezone.now()
    integration = ownership.get_integration(actor, integration_id)
    if integration.product != "calendar" or not PROVIDERS[integration.connection.provider].grants:
        # A local calendar is no cache: it has a removal page of its own.
        raise Http404
    if request.method == "POST":
        count = cache_settings.delete_copies(actor=actor, integration_id=integration_id, at=at)
        events = settings_messages.EVENT_COUNT % {"count": count}
        messages.success(request, settings_messages.COPIES_DELETED % {"events": events})
        return redirect(ROUTE_NAME, integration_id)
    context = {
        "integration": integration,
        "provider": PROVIDERS[integration.connection.provider],
        "event_count": Event.objects.filter(integration_id=integration_id).count(),
    }
    return render(request, "settings/calendars_erase.html", context)


@never_cache
@require_POST
@require_permission(RolePermission.USE_OWN)
def refresh_calendars(request: HttpRequest, integration_id: UUID) -> HttpResponse:
    actor = get_actor(request)
    ownership.get_integration(actor, integration_id)
    try:
        cache_settings.request_copies(actor=actor, integration_id=integration_id, at=timezone.now())
    except ObjectNotFound:
        raise Http404 from None
    messages.success(request, settings_messages.REFRESHING)
    return redirect(ROUTE_NAME, integration_id)


@never_cache
@require_POST
@require_permission(RolePermission.USE_OWN)
def set_cache_hours(request: HttpRequest, integration_id: UUID) -> HttpResponse:
    actor = get_actor(request)
    ownership.get_integration(actor, integration_id)
    try:
        cache_settings.set_cache_hours(
            actor=actor,
            integration_id=integration_id,
            hours=read_number(request.POST.get("hours", "")) or 0,
        )
    except ObjectNotFound:
        raise Http404 from None
    except InvalidChoice:
        messages.error(request, settings_messages.UNKNOWN_DURATION)
    else:
        messages.success(request, settings_messages.HOURS_SAVED)
    return redirect(ROUTE_NAME, integration_id)


def _present_calendars(opened: sink.OpenedRows, *, at: datetime) -> list[TemplateItem]:
    """Called inside the sink."""
    return [
        _present_calendar(visible, values, event_json.serialize_calendar_copy_state(visible, at=at))
        for visible, values in opened
    ]


def _present_calendar(
    visible: VisibleCalendar, values: Mapping[str, bytes], cache_status: Mapping[str, Any]
) -> TemplateItem:
    is_named = "about" in values
    name = orjson.loads(values["about"])["name"] if is_named else ""
    clear = {"calendar": visible.calendar, "copy": cache_status, "is_named": is_named}
    return TemplateItem(clear, {"name": name})
