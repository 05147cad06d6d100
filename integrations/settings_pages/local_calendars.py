"""Calendars that live here: begun, called otherwise, filled from a file, taken away, removed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import orjson
from django import forms
from django.contrib import messages
from django.core.validators import RegexValidator
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.functional import lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import limits
from accounts.actors import actor_of
from accounts.permissions import page
from accounts.roles import Permission
from integrations import zones
from integrations.asking import Asked, NotFound, asked_by
from integrations.calendars import agenda, exporting, importing, keeping, local, visible
from integrations.calendars.local import About
from integrations.calendars.visible import Visible
from integrations.icalendars import components, writing
from integrations.icalendars.problems import Problem, Unreadable
from integrations.models import Event
from limited_use.features import FEATURES
from limited_use.sinks import agenda as sink
from limited_use.sinks.agenda import Shown

PAGE: Final = "settings-local-calendar"
COLOUR: Final = r"#[0-9a-fA-F]{6}"
_NOT_AGREED: Final = "What calendars are here has changed: please read it again, and agree."


def _places() -> list[tuple[str, str]]:
    return [(name, name) for name in zones.places()]


class AboutForm(forms.Form):
    name = forms.CharField(
        label="What it is called",
        max_length=local.LONGEST_NAME,
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


class NewForm(AboutForm):
    agree = forms.BooleanField(label="I agree.")
    version = forms.IntegerField(widget=forms.HiddenInput)


class FileForm(forms.Form):
    file = forms.FileField(
        label="A calendar file (.ics)",
        allow_empty_file=True,
        error_messages={"required": "Choose a file first."},
        widget=forms.FileInput(attrs={"accept": ".ics,text/calendar"}),
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@page(Permission.USE_OWN)
def new(request: HttpRequest) -> HttpResponse:
    """Say what a calendar here is, and begin one."""
    feature = FEATURES[local.FEATURE]
    form = NewForm(request.POST or None, initial={"version": feature.version})
    if request.method == "POST" and form.is_valid():
        try:
            calendar_id = local.create(
                actor=actor_of(request),
                about=form.about,
                version=form.cleaned_data["version"],
                at=timezone.now(),
            )
        except local.NotAgreed:
            form.add_error(None, _NOT_AGREED)
        except local.TooManyCalendars:
            form.add_error(None, f"You have {local.MOST} of them: remove one first.")
        else:
            messages.success(request, "It is here. Write in it, or fill it from a file.")
            return redirect(PAGE, calendar_id)
    return render(request, "settings/local_calendar_new.html", {"form": form, "feature": feature})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@page(Permission.USE_OWN)
def one(request: HttpRequest, calendar_id: UUID) -> HttpResponse:
    """Show one calendar; on a click, call it otherwise."""
    asked = asked_by(request)
    form = AboutForm(request.POST) if request.method == "POST" else None
    if form is not None and form.is_valid():
        try:
            local.rename(actor=asked.actor, calendar_id=calendar_id, about=form.about)
        except NotFound:
            raise Http404 from None
        messages.success(request, "Saved.")
        return redirect(PAGE, calendar_id)
    return HttpResponse(_page(request, asked, calendar_id, form=form))


@never_cache
@require_POST
@page(Permission.USE_OWN)
def fill(request: HttpRequest, calendar_id: UUID) -> HttpResponse:
    """Take a chosen file into it: all of it, or nothing and the lines that are in the way."""
    asked = asked_by(request)
    # Before anything is read: whose it is.
    _seen(asked, calendar_id)
    form = FileForm(request.POST, request.FILES)
    if not form.is_valid():
        return HttpResponse(_page(request, asked, calendar_id, file_form=form), status=400)
    if not limits.allowed(request, action="import", rate=importing.RATE):
        form.add_error(None, "That were many files. Please wait an hour.")
        return HttpResponse(_page(request, asked, calendar_id, file_form=form), status=429)
    problems: tuple[Problem, ...] = ()
    has_more = False
    try:
        done = importing.take(
            actor=asked.actor,
            calendar_id=calendar_id,
            data=form.cleaned_data["file"].read(),
            at=asked.at,
        )
    except Unreadable as unreadable:
        problems, has_more = unreadable.problems, unreadable.has_more
        form.add_error("file", "Nothing of this file was taken: it needs mending first.")
    except keeping.Full:
        form.add_error("file", f"A calendar holds {keeping.MOST_ROWS:,} events at most.")
    except keeping.Changed:
        form.add_error(None, "Somebody else wrote to it at this moment. Please try again.")
    else:
        messages.success(request, _said(done))
        return redirect(PAGE, calendar_id)
    shown = _page(request, asked, calendar_id, file_form=form, problems=problems, has_more=has_more)
    return HttpResponse(shown, status=422)


@never_cache
@require_safe
@page(Permission.USE_OWN)
def file(request: HttpRequest, calendar_id: UUID) -> HttpResponseBase:
    """Give it to its owner as a file."""
    asked = asked_by(request)
    _seen(asked, calendar_id)
    if not limits.allowed(request, action="calendar-file", rate=exporting.RATE):
        messages.error(request, "That were many files. Please wait an hour.")
        return redirect(PAGE, calendar_id)
    parts = exporting.stream(actor=asked.actor, calendar_id=calendar_id, now=timezone.now)
    response = StreamingHttpResponse(parts, content_type=writing.CONTENT_TYPE)
    # Not what it is called: that is sealed, and names of files end up everywhere.
    name = f"antares-calendar-{asked.at:%Y-%m-%d}.ics"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@page(Permission.USE_OWN)
def remove(request: HttpRequest, calendar_id: UUID) -> HttpResponse:
    """Say what goes, and that it is for good; on a click, remove it."""
    asked = asked_by(request)
    seen = _seen(asked, calendar_id)
    integration_id = seen.calendar.integration_id
    if request.method == "POST":
        count = local.remove(actor=asked.actor, calendar_id=calendar_id, at=asked.at)
        messages.success(
            request, f"Removed: {count} events, and the key that they were kept under."
        )
        return redirect("settings-calendars", integration_id)
    context = {"event_count": Event.objects.filter(calendar_id=calendar_id).count()}
    return HttpResponse(
        _rendered(request, asked, seen, "settings/local_calendar_remove.html", context)
    )


def _said(done: importing.Imported) -> str:
    told = [
        f"{count} {word}"
        for count, word in (
            (done.added, "added"),
            (done.replaced, "replaced"),
            (done.removed, "removed"),
        )
        if count
    ]
    text = f"Events: {', '.join(told) or 'none in this file'}."
    if done.left_out:
        text += f" Left out, because it is not kept here: {', '.join(done.left_out)}."
    return text


def _seen(asked: Asked, calendar_id: UUID) -> Visible:
    mine = visible.own(actor=asked.actor, user_id=asked.user_id)
    found = [each for each in mine if each.calendar.id == calendar_id and each.calendar.is_local]
    if not found:
        raise Http404
    return found[0]


def _page(  # noqa: PLR0913 - what is shown beside it
    request: HttpRequest,
    asked: Asked,
    calendar_id: UUID,
    *,
    form: AboutForm | None = None,
    file_form: FileForm | None = None,
    problems: tuple[Problem, ...] = (),
    has_more: bool = False,
) -> bytes:
    seen = _seen(asked, calendar_id)
    context = {
        "form": form,
        "file_form": file_form or FileForm(),
        "problems": problems,
        "has_more": has_more,
        "places": zones.places(),
        "integration_id": seen.calendar.integration_id,
        "event_count": Event.objects.filter(calendar_id=calendar_id).count(),
        "largest": components.LARGEST // 1024 // 1024,
    }
    return _rendered(request, asked, seen, "settings/local_calendar.html", context)


def _rendered(
    request: HttpRequest, asked: Asked, seen: Visible, template: str, context: Mapping[str, Any]
) -> bytes:
    rows, permits = agenda.named(asked, [seen])
    return sink.calendar_page(
        template,
        rows,
        permits=permits,
        viewer=asked.actor,
        make=_shown,
        context={**context, "calendar_id": seen.calendar.id},
        under="calendars",
        request=request,
        at=asked.at,
    )


def _shown(opened: sink.Opened) -> list[Shown]:
    return [_about(values) for _, values in opened]


def _about(values: Mapping[str, bytes]) -> Shown:
    about = orjson.loads(values["about"]) if "about" in values else {}
    named = {key: about.get(key, "") for key in ("name", "zone", "colour")}
    return Shown({}, named)
