from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

import orjson
from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import request_limits
from accounts.actors import get_actor
from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations.access.request_context import ObjectNotFound, RequestContext, get_request_context
from integrations.calendar import calendar_access, calendar_list, sharing
from integrations.calendar.calendar_access import VisibleCalendar
from limited_use.agreements import shares
from limited_use.agreements.consents import ConsentMissing
from limited_use.models.shares import ShareLevel
from limited_use.policy.claims import claim
from limited_use.policy.feature_registry import FEATURES
from limited_use.sinks import calendar_sink as sink
from limited_use.sinks.calendar_sink import TemplateItem

LEVELS = (
    (ShareLevel.FREEBUSY, "When I am busy, and nothing else"),
    (ShareLevel.DETAILS, "My events too; private ones only as busy"),
)


class ShareForm(forms.Form):
    email = forms.EmailField(label="Their address", max_length=254)
    level = forms.ChoiceField(
        label="What they see", choices=LEVELS, widget=forms.RadioSelect, initial="freebusy"
    )
    until = forms.DateField(
        label="Until the end of (optional)",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    agree = forms.BooleanField(label="I agree that this is shown to them.")
    version = forms.IntegerField(widget=forms.HiddenInput)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.USE_OWN)
def show_sharing(request: HttpRequest, calendar_id: UUID) -> HttpResponse:
    """Show who can see the calendar; on POST, share it."""
    request_context = get_request_context(request)
    at = request_context.at
    try:
        share_status = sharing.list_calendar_shares(
            actor=request_context.actor, calendar_id=calendar_id, at=at
        )
    except ObjectNotFound:
        raise Http404 from None
    form = ShareForm(request.POST or None, initial={"version": FEATURES[sharing.FEATURE].version})
    if (
        request.method == "POST"
        and form.is_valid()
        and _share_calendar(request, form, calendar_id, at)
    ):
        return redirect("settings-calendar-sharing", calendar_id)
    context = {
        "form": form,
        "standing": share_status,
        "feature": FEATURES[sharing.FEATURE],
        "calendar_id": calendar_id,
    }
    return HttpResponse(_render_page(request, request_context, calendar_id, context))


@never_cache
@require_POST
@require_permission(RolePermission.USE_OWN)
def end_share(request: HttpRequest, share_id: UUID) -> HttpResponse:
    """Withdraw a share, or leave one."""
    actor, at = get_actor(request), timezone.now()
    try:
        sharing.end_share(actor=actor, share_id=share_id, at=at)
    except ObjectNotFound:
        raise Http404 from None
    messages.success(
        request, claim("sharing.over", "It is over: nothing of it can be seen any more.")
    )
    return redirect("settings-uses")


def _share_calendar(request: HttpRequest, form: ShareForm, calendar_id: UUID, at: datetime) -> bool:
    if not request_limits.count_for_person(request, sharing.RATE).is_within:
        form.add_error(None, "That were many addresses. Please wait an hour.")
        return False
    cleaned_data = form.cleaned_data
    until = cleaned_data["until"]
    try:
        sharing.share_calendar(
            actor=get_actor(request),
            calendar_id=calendar_id,
            email=cleaned_data["email"],
            level=ShareLevel(cleaned_data["level"]),
            version=cleaned_data["version"],
            # Including that day, in the server's zone: UTC.
            expires_at=None
            if until is None
            else timezone.make_aware(datetime.combine(until + timedelta(days=1), time())),
            at=at,
        )
    except shares.ShareEndsInPast:
        form.add_error("until", "Choose a day that lies ahead, or none.")
        return False
    except ConsentMissing:
        form.add_error(None, "What sharing is has changed: please read it again.")
        return False
    messages.success(
        request,
        "Done. If somebody of your organisation has that address, they see it from now on.",
    )
    return True


def _render_page(
    request: HttpRequest,
    request_context: RequestContext,
    calendar_id: UUID,
    context: Mapping[str, Any],
) -> bytes:
    own_calendars = calendar_access.get_own_calendars(
        actor=request_context.actor, user_id=request_context.user_id
    )
    rows, permits = calendar_list.get_name_rows(
        request_context, calendar_access.filter_calendars(own_calendars, {calendar_id})
    )
    return sink.calendar_page(
        "settings/calendar_sharing.html",
        rows,
        permits=permits,
        viewer=request_context.actor,
        make=_present_calendars,
        context=context,
        under="calendars",
        request=request,
        at=request_context.at,
    )


def _present_calendars(opened: sink.OpenedRows) -> list[TemplateItem]:
    return [_present_calendar(visible, values) for visible, values in opened]


def _present_calendar(visible: VisibleCalendar, values: Mapping[str, bytes]) -> TemplateItem:
    # A calendar with an expired cache has no name until the next refresh.
    is_named = "about" in values
    name = orjson.loads(values["about"])["name"] if is_named else ""
    return TemplateItem({"calendar": visible.calendar, "is_named": is_named}, {"name": name})
