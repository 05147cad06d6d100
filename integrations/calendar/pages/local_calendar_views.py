from __future__ import annotations

from typing import Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.defaultfilters import pluralize
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.actors import get_actor
from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations.access.request_context import ObjectNotFound, get_request_context
from integrations.calendar import local_calendars
from integrations.models import Event
from limited_use.agreements.consents import ConsentMissing
from limited_use.policy.claims import claim
from limited_use.policy.feature_registry import FEATURES

from . import local_calendar_page

_NOT_AGREED: Final = "What calendars are here has changed: please read it again, and agree."

_CHANGED: Final = claim(
    "local-calendar.changed",
    "It was called otherwise meanwhile: above is what it is called now. Nothing of yours was saved:"
    " save again if you want it all the same.",
)


class NewLocalCalendarForm(local_calendar_page.LocalCalendarForm):
    agree = forms.BooleanField(label="I agree.")
    version = forms.IntegerField(widget=forms.HiddenInput)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.USE_OWN)
def create_local_calendar(request: HttpRequest) -> HttpResponse:
    feature = FEATURES[local_calendars.FEATURE]
    form = NewLocalCalendarForm(request.POST or None, initial={"version": feature.version})
    if request.method == "POST" and form.is_valid():
        try:
            calendar_id = local_calendars.create_local_calendar(
                actor=get_actor(request),
                properties=form.calendar_properties,
                version=form.cleaned_data["version"],
                at=timezone.now(),
            )
        except ConsentMissing:
            form.add_error(None, _NOT_AGREED)
        except local_calendars.TooManyCalendars:
            form.add_error(
                None, f"You have {local_calendars.MAX_CALENDARS} of them: remove one first."
            )
        else:
            messages.success(request, "It is here. Write in it, or fill it from a file.")
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
            form.add_error(None, _CHANGED)
        else:
            messages.success(request, "Saved.")
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
            messages.error(
                request,
                claim(
                    "local-remove.nothing",
                    "It was called otherwise meanwhile. Nothing was removed.",
                ),
            )
            return redirect(local_calendar_page.ROUTE_NAME, calendar_id)
        messages.success(
            request,
            claim(
                "local-remove.done",
                f"Removed: {count} event{pluralize(count)}, and the key that was theirs.",
            ),
        )
        return redirect("settings-calendars", integration_id)
    context = {"event_count": Event.objects.filter(calendar_id=calendar_id).count()}
    return HttpResponse(
        local_calendar_page.render_with_calendar(
            request, request_context, visible, "settings/local_calendar_remove.html", context
        )
    )
