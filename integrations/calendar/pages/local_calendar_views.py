from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.actors import get_actor
from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations.access.request_context import ObjectNotFound, get_request_context
from integrations.calendar import local_calendars
from integrations.calendar.messages import settings as settings_messages
from integrations.formats import timezones
from integrations.models import Event
from limited_use.agreements.consents import ConsentMissing
from limited_use.policy.feature_registry import FEATURES

from . import calendar_preferences, local_calendar_page
from .agreement_form import AgreementForm, make_agree_field


class NewLocalCalendarForm(AgreementForm, local_calendar_page.LocalCalendarForm):
    agree = make_agree_field(_("I agree."))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.USE_OWN)
def create_local_calendar(request: HttpRequest) -> HttpResponse:
    feature = FEATURES[local_calendars.FEATURE]
    own_zone = calendar_preferences.get_own_zone(request)
    zone = own_zone if own_zone in timezones.list_zone_names() else "UTC"
    initial = {"version": feature.version, "zone": zone}
    form = NewLocalCalendarForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            calendar_id = local_calendars.create_local_calendar(
                actor=get_actor(request),
                properties=form.calendar_properties,
                version=form.cleaned_data["version"],
                at=timezone.now(),
            )
        except ConsentMissing:
            form.ask_again(version=feature.version, says=settings_messages.CALENDAR_TERMS_CHANGED)
        except local_calendars.TooManyCalendars:
            count = {"count": local_calendars.MAX_CALENDARS}
            form.add_error(None, settings_messages.TOO_MANY_CALENDARS % count)
        else:
            messages.success(request, settings_messages.CALENDAR_CREATED)
            return redirect(local_calendar_page.ROUTE_NAME, calendar_id)
    return render(request, "settings/local_calendar_new.html", {"form": form, "feature": feature})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.USE_OWN)
def edit_local_calendar(request: HttpRequest, calendar_id: UUID) -> HttpResponse:
    request_context = get_request_context(request)
    form = local_calendar_page.LocalCalendarForm(request.POST) if request.method == "POST" else None
    if form is not None and form.is_valid():
        version = request.POST.get("version", "")
        try:
            local_calendars.rename_local_calendar(
                actor=request_context.actor,
                calendar_id=calendar_id,
                properties=form.calendar_properties,
                etag=version,
            )
        except ObjectNotFound:
            raise Http404 from None
        except local_calendars.CalendarChanged:
            form.add_error(None, settings_messages.CALENDAR_STALE)
        else:
            messages.success(request, settings_messages.CALENDAR_SAVED)
            return redirect(local_calendar_page.ROUTE_NAME, calendar_id)
    return HttpResponse(
        local_calendar_page.render_calendar_page(request, request_context, calendar_id, form=form)
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.USE_OWN)
def remove_local_calendar(request: HttpRequest, calendar_id: UUID) -> HttpResponse:
    request_context = get_request_context(request)
    visible = local_calendar_page.get_calendar_or_404(request_context, calendar_id)
    integration_id = visible.calendar.integration_id
    if request.method == "POST":
        etag = request.POST.get("version", "")
        try:
            count = local_calendars.remove_local_calendar(
                actor=request_context.actor,
                calendar_id=calendar_id,
                etag=etag,
                at=request_context.at,
            )
        except local_calendars.CalendarChanged:
            messages.error(request, settings_messages.NOTHING_REMOVED)
            return redirect(local_calendar_page.ROUTE_NAME, calendar_id)
        events = settings_messages.EVENT_COUNT % {"count": count}
        messages.success(request, settings_messages.CALENDAR_REMOVED % {"events": events})
        return redirect("settings-calendars", integration_id)
    context = {"event_count": Event.objects.filter(calendar_id=calendar_id).count()}
    return HttpResponse(
        local_calendar_page.render_with_calendar(
            request, request_context, visible, "settings/local_calendar_remove.html", context
        )
    )
