"""Calendars that live here: begun, called otherwise, removed."""

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
from accounts.permissions import page
from accounts.roles import Permission
from integrations.access.request_context import NotFound, asked_by
from integrations.calendar import local_calendars
from integrations.models import Event
from limited_use.agreements.consents import NotAgreed
from limited_use.policy.claims import claim
from limited_use.policy.features import FEATURES

from . import local_calendar_page

_NOT_AGREED: Final = "What calendars are here has changed: please read it again, and agree."

_CHANGED: Final = claim(
    "local-calendar.changed",
    "It was called otherwise meanwhile: above is what it is called now. Nothing of yours was saved:"
    " save again if you want it all the same.",
)


class NewForm(local_calendar_page.AboutForm):
    agree = forms.BooleanField(label="I agree.")
    version = forms.IntegerField(widget=forms.HiddenInput)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@page(Permission.USE_OWN)
def new(request: HttpRequest) -> HttpResponse:
    """Say what a calendar here is, and begin one."""
    feature = FEATURES[local_calendars.FEATURE]
    form = NewForm(request.POST or None, initial={"version": feature.version})
    if request.method == "POST" and form.is_valid():
        try:
            calendar_id = local_calendars.create(
                actor=get_actor(request),
                about=form.about,
                version=form.cleaned_data["version"],
                at=timezone.now(),
            )
        except NotAgreed:
            form.add_error(None, _NOT_AGREED)
        except local_calendars.TooManyCalendars:
            form.add_error(None, f"You have {local_calendars.MOST} of them: remove one first.")
        else:
            messages.success(request, "It is here. Write in it, or fill it from a file.")
            return redirect(local_calendar_page.NAME, calendar_id)
    return render(request, "settings/local_calendar_new.html", {"form": form, "feature": feature})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@page(Permission.USE_OWN)
def one(request: HttpRequest, calendar_id: UUID) -> HttpResponse:
    """Show one calendar; on a click, call it otherwise."""
    asked = asked_by(request)
    form = local_calendar_page.AboutForm(request.POST) if request.method == "POST" else None
    if form is not None and form.is_valid():
        seen = request.POST.get("version", "")
        try:
            local_calendars.rename(
                actor=asked.actor, calendar_id=calendar_id, about=form.about, etag=seen
            )
        except NotFound:
            raise Http404 from None
        except local_calendars.Changed:
            form.add_error(None, _CHANGED)
        else:
            messages.success(request, "Saved.")
            return redirect(local_calendar_page.NAME, calendar_id)
    return HttpResponse(local_calendar_page.shown(request, asked, calendar_id, form=form))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@page(Permission.USE_OWN)
def remove(request: HttpRequest, calendar_id: UUID) -> HttpResponse:
    """Say what goes, and that it is for good; on a click, remove it."""
    asked = asked_by(request)
    seen = local_calendar_page.seen(asked, calendar_id)
    integration_id = seen.calendar.integration_id
    if request.method == "POST":
        etag = request.POST.get("version", "")
        try:
            count = local_calendars.remove(
                actor=asked.actor, calendar_id=calendar_id, etag=etag, at=asked.at
            )
        except local_calendars.Changed:
            messages.error(
                request,
                claim(
                    "local-remove.nothing",
                    "It was called otherwise meanwhile. Nothing was removed.",
                ),
            )
            return redirect(local_calendar_page.NAME, calendar_id)
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
        local_calendar_page.rendered(
            request, asked, seen, "settings/local_calendar_remove.html", context
        )
    )
