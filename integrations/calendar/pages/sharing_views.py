from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import orjson
from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import display_times, request_limits
from accounts.actors import get_actor
from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations.access.request_context import ObjectNotFound, RequestContext, get_request_context
from integrations.calendar import calendar_access, calendar_list, sharing
from integrations.calendar.calendar_access import VisibleCalendar
from integrations.calendar.messages import event_fields as field_messages
from integrations.calendar.messages import pages as page_messages
from integrations.calendar.messages import settings as settings_messages
from integrations.formats import timezones
from integrations.providers import PROVIDERS
from limited_use.agreements.consents import ConsentMissing
from limited_use.models.shares import ShareLevel
from limited_use.policy.feature_registry import FEATURES
from limited_use.sinks import calendar_sink as sink
from limited_use.sinks.calendar_sink import TemplateItem

from . import calendar_preferences, view_ranges
from .agreement_form import AgreementForm, make_agree_field

LEVELS = (
    (ShareLevel.FREEBUSY, _("Only when I am busy")),
    (ShareLevel.DETAILS, _("My events; private events appear as busy")),
)


class ShareForm(AgreementForm):
    """:param zone: None: UTC"""

    email = forms.EmailField(label=_("Email address of a colleague"), max_length=254)
    level = forms.ChoiceField(
        label=_("They can see"), choices=LEVELS, widget=forms.RadioSelect, initial="freebusy"
    )
    until = forms.DateField(
        label=_("Last day (optional)"),
        required=False,
        help_text=_("Sharing ends at the end of this day in your time zone."),
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    agree = make_agree_field(_("I agree to share this with them."))

    def __init__(self, *args: Any, zone: str | None, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone, self.at = zone, at

    def clean_until(self) -> date | None:
        until: date | None = self.cleaned_data["until"]
        if until is not None and not view_ranges.is_day_supported(until):
            raise forms.ValidationError(field_messages.DAY_OUT_OF_RANGE, code="invalid")
        if until is not None and _get_end_of_day(until, self.zone) <= self.at:
            raise forms.ValidationError(settings_messages.DAY_IN_PAST, code="invalid")
        return until


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
    form = ShareForm(
        request.POST or None,
        initial={"version": FEATURES[sharing.FEATURE].version},
        zone=calendar_preferences.get_own_zone(request),
        at=at,
    )
    if request.method == "POST" and form.is_valid() and _share_calendar(request, form, calendar_id):
        return redirect("settings-calendar-sharing", calendar_id)
    context = {
        "form": form,
        "shares": [
            {"share": row.share, "address": row.other, "until": _describe_end(row.share.expires_at)}
            for row in share_status
        ],
        "zone": form.zone or "UTC",
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
    messages.success(request, settings_messages.SHARING_STOPPED)
    try:
        calendar_id = UUID(request.POST.get("calendar", ""))
    except ValueError:
        return redirect("settings-access")
    return redirect("settings-calendar-sharing", calendar_id)


def _share_calendar(request: HttpRequest, form: ShareForm, calendar_id: UUID) -> bool:
    if not request_limits.count_for_person(request, sharing.RATE).is_within:
        form.add_error(None, settings_messages.TOO_MANY_SHARES)
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
            expires_at=None if until is None else _get_end_of_day(until, form.zone),
            at=form.at,
        )
    except ConsentMissing:
        form.ask_again(
            version=FEATURES[sharing.FEATURE].version,
            says=settings_messages.SHARING_TERMS_CHANGED,
        )
        return False
    messages.success(request, settings_messages.SHARED)
    return True


def _get_end_of_day(day: date, zone: str | None) -> datetime:
    """:param zone: None: UTC"""
    midnight = datetime.combine(day + timedelta(days=1), time())
    return timezones.to_utc(midnight, timezones.get_zone(zone or "UTC"))


def _describe_end(expires_at: datetime | None) -> str:
    if expires_at is None:
        return ""
    end = display_times.to_reader_time(expires_at)
    if end.time() != time():
        return display_times.format_moment(expires_at)
    last_day = end.date() - timedelta(days=1)
    return settings_messages.END_OF_DAY % {"day": display_times.format_day(last_day)}


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
    provider = PROVIDERS[visible.calendar.integration.connection.provider]
    account = (
        page_messages.PROVIDER_CALENDAR % {"provider": provider.label}
        if provider.grants
        else page_messages.ANTARES_CALENDARS
    )
    clear = {"calendar": visible.calendar, "is_named": is_named, "account": account}
    return TemplateItem(clear, {"name": name})
