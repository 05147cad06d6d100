from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import orjson
from django import forms
from django.core.validators import RegexValidator
from django.http import Http404, HttpRequest
from django.utils.functional import lazy
from django.utils.translation import gettext_lazy as _

from integrations.access.request_context import RequestContext
from integrations.calendar import calendar_access, calendar_list, local_calendars
from integrations.calendar.calendar_access import VisibleCalendar
from integrations.calendar.local_calendars import LocalCalendarProperties
from integrations.calendar.messages import settings as settings_messages
from integrations.formats import timezones
from integrations.formats.icalendar import icalendar_components
from integrations.formats.icalendar.file_problems import FileProblem
from integrations.models import Event, Integration
from integrations.web import connected_drives, row_counts
from limited_use.sinks import calendar_sink as sink
from limited_use.sinks.calendar_sink import TemplateItem

from . import named_calendars

ROUTE_NAME: Final = "settings-local-calendar"
COLOUR_PATTERN: Final = r"#[0-9a-fA-F]{6}"


def _list_timezones() -> list[tuple[str, str]]:
    return [(name, name) for name in timezones.list_zone_names()]


class LocalCalendarForm(forms.Form):
    name = forms.CharField(
        label=_("Name"),
        max_length=local_calendars.MAX_NAME_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    zone = forms.ChoiceField(
        label=_("Time zone"), choices=lazy(_list_timezones, list), initial="UTC"
    )
    colour = forms.CharField(
        label=_("Colour"),
        required=False,
        initial="#1a73e8",
        validators=[RegexValidator(f"^{COLOUR_PATTERN}$", settings_messages.BAD_COLOUR)],
        widget=forms.TextInput(attrs={"type": "color"}),
    )

    @property
    def calendar_properties(self) -> LocalCalendarProperties:
        cleaned_data = self.cleaned_data
        return LocalCalendarProperties(
            cleaned_data["name"], cleaned_data["zone"], cleaned_data["colour"]
        )


class CalendarFileForm(forms.Form):
    file = forms.FileField(
        label=_("Calendar file (.ics)"),
        allow_empty_file=True,
        error_messages={"required": settings_messages.NO_FILE},
        widget=forms.FileInput(attrs={"accept": ".ics,text/calendar"}),
    )


def get_calendar_or_404(request_context: RequestContext, calendar_id: UUID) -> VisibleCalendar:
    """:raises Http404: if the person owns no such local calendar"""
    own_calendars = calendar_access.get_own_calendars(
        actor=request_context.actor, user_id=request_context.user_id
    )
    matches = [
        visible
        for visible in own_calendars
        if visible.calendar.id == calendar_id and visible.calendar.is_local
    ]
    if not matches:
        raise Http404
    return matches[0]


def render_calendar_page(  # noqa: PLR0913 - the values of the page
    request: HttpRequest,
    request_context: RequestContext,
    calendar_id: UUID,
    *,
    form: LocalCalendarForm | None = None,
    file_form: CalendarFileForm | None = None,
    problems: tuple[FileProblem, ...] = (),
    has_more: bool = False,
) -> bytes:
    visible = get_calendar_or_404(request_context, calendar_id)
    context = {
        "form": form,
        "file_form": file_form or CalendarFileForm(),
        "problems": problems,
        "has_more": has_more,
        "places": timezones.list_zone_names(),
        "integration_id": visible.calendar.integration_id,
        "event_count": Event.objects.filter(calendar_id=calendar_id).count(),
        "largest": icalendar_components.MAX_BYTES // 1024 // 1024,
        "can_save": connected_drives.has_drive(request_context.actor),
    }
    return render_with_calendar(
        request, request_context, visible, "settings/local_calendar.html", context
    )


def render_remove_all(
    request: HttpRequest, request_context: RequestContext, integration: Integration
) -> bytes:
    """List all local calendars with their files before the removal."""
    own = calendar_access.get_own_calendars(
        actor=request_context.actor, user_id=request_context.user_id
    )
    calendars = [visible for visible in own if visible.calendar.integration_id == integration.id]
    context = {
        "integration_id": integration.id,
        "event_count": sum(row_counts.count_events([row.calendar for row in calendars]).values()),
        "share_count": sum(
            row_counts.count_shares(
                [row.calendar for row in calendars], at=request_context.at
            ).values()
        ),
    }
    return named_calendars.render_calendars(
        request,
        request_context,
        calendars,
        "settings/local_calendars_remove.html",
        context=context,
        nameable=calendars,
    )


def render_with_calendar(
    request: HttpRequest,
    request_context: RequestContext,
    visible: VisibleCalendar,
    template: str,
    context: Mapping[str, Any],
) -> bytes:
    """The sink opens the calendar's name."""
    rows, permits = calendar_list.get_name_rows(request_context, [visible])
    return sink.calendar_page(
        template,
        rows,
        permits=permits,
        viewer=request_context.actor,
        make=_present_calendars,
        context={
            **context,
            "calendar_id": visible.calendar.id,
            "version": visible.calendar.version,
        },
        under="calendars",
        request=request,
        at=request_context.at,
    )


def _present_calendars(opened: sink.OpenedRows) -> list[TemplateItem]:
    return [_present_calendar(values) for _, values in opened]


def _present_calendar(values: Mapping[str, bytes]) -> TemplateItem:
    properties = orjson.loads(values["about"]) if "about" in values else {}
    shown_properties = {key: properties.get(key, "") for key in ("name", "zone", "colour")}
    return TemplateItem({}, shown_properties)
