"""The page of a calendar that lives here: its forms, and how it is drawn inside the sink."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import orjson
from django import forms
from django.core.validators import RegexValidator
from django.http import Http404, HttpRequest
from django.utils.functional import lazy

from integrations.access.request_context import Asked
from integrations.calendar import calendar_access, calendar_list, local_calendars
from integrations.calendar.calendar_access import Visible
from integrations.calendar.local_calendars import About
from integrations.formats import timezones
from integrations.formats.icalendar import components
from integrations.formats.icalendar.file_problems import Problem
from integrations.models import Event, Integration
from integrations.web import row_counts
from limited_use.sinks import calendar as sink
from limited_use.sinks.calendar import Shown

from . import named_calendars

NAME: Final = "settings-local-calendar"
COLOUR: Final = r"#[0-9a-fA-F]{6}"


def _places() -> list[tuple[str, str]]:
    return [(name, name) for name in timezones.places()]


class AboutForm(forms.Form):
    name = forms.CharField(
        label="What it is called",
        max_length=local_calendars.LONGEST_NAME,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    zone = forms.ChoiceField(label="Time zone", choices=lazy(_places, list), initial="UTC")
    colour = forms.CharField(
        label="Colour",
        required=False,
        initial="#1a73e8",
        validators=[RegexValidator(f"^{COLOUR}$", "Write a colour as in #1a73e8.")],
        widget=forms.TextInput(attrs={"type": "color"}),
    )

    @property
    def about(self) -> About:
        given = self.cleaned_data
        return About(given["name"], given["zone"], given["colour"])


class FileForm(forms.Form):
    file = forms.FileField(
        label="A calendar file (.ics)",
        allow_empty_file=True,
        error_messages={"required": "Choose a file first."},
        widget=forms.FileInput(attrs={"accept": ".ics,text/calendar"}),
    )


def seen(asked: Asked, calendar_id: UUID) -> Visible:
    """:raises Http404: if it is not a calendar of theirs that lives here"""
    mine = calendar_access.own(actor=asked.actor, user_id=asked.user_id)
    found = [each for each in mine if each.calendar.id == calendar_id and each.calendar.is_local]
    if not found:
        raise Http404
    return found[0]


def shown(  # noqa: PLR0913 - what is shown beside it
    request: HttpRequest,
    asked: Asked,
    calendar_id: UUID,
    *,
    form: AboutForm | None = None,
    file_form: FileForm | None = None,
    problems: tuple[Problem, ...] = (),
    has_more: bool = False,
) -> bytes:
    """Return the page of one calendar, with the forms that were sent where one was."""
    one = seen(asked, calendar_id)
    context = {
        "form": form,
        "file_form": file_form or FileForm(),
        "problems": problems,
        "has_more": has_more,
        "places": timezones.places(),
        "integration_id": one.calendar.integration_id,
        "event_count": Event.objects.filter(calendar_id=calendar_id).count(),
        "largest": components.LARGEST // 1024 // 1024,
    }
    return rendered(request, asked, one, "settings/local_calendar.html", context)


def ask_to_remove_all(request: HttpRequest, asked: Asked, integration: Integration) -> bytes:
    """Return the page that names every calendar stored only in Antares, each with its file."""
    own = calendar_access.own(actor=asked.actor, user_id=asked.user_id)
    calendars = [one for one in own if one.calendar.integration_id == integration.id]
    context = {
        "integration_id": integration.id,
        "event_count": sum(row_counts.count_events([row.calendar for row in calendars]).values()),
        "share_count": sum(
            row_counts.count_shares([row.calendar for row in calendars], at=asked.at).values()
        ),
    }
    return named_calendars.render_calendars(
        request,
        asked,
        calendars,
        "settings/local_calendars_remove.html",
        context=context,
        nameable=calendars,
    )


def rendered(
    request: HttpRequest, asked: Asked, one: Visible, template: str, context: Mapping[str, Any]
) -> bytes:
    """Return a page about one calendar; what it is called is opened inside the sink."""
    rows, permits = calendar_list.named(asked, [one])
    return sink.calendar_page(
        template,
        rows,
        permits=permits,
        viewer=asked.actor,
        make=_opened,
        context={**context, "calendar_id": one.calendar.id, "version": one.calendar.version},
        under="calendars",
        request=request,
        at=asked.at,
    )


def _opened(opened: sink.Opened) -> list[Shown]:
    return [_about(values) for _, values in opened]


def _about(values: Mapping[str, bytes]) -> Shown:
    about = orjson.loads(values["about"]) if "about" in values else {}
    named = {key: about.get(key, "") for key in ("name", "zone", "colour")}
    return Shown({}, named)
