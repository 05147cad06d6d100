"""The form that edits an event: its initial values (inside the sink), and the changed fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from integrations.calendar import etags
from integrations.calendar.events import event_drafts
from integrations.calendar.events.event_drafts import DraftGuest, EventEdit
from integrations.calendar.page_queries import EventPageData
from integrations.formats import timezones
from integrations.formats.event_content import EventContent, Reminder, When
from limited_use.sinks.calendar_sink import OpenedRows, TemplateItem

from . import calendar_preferences, display_timezone, event_presenter, recurrence_form
from .event_form import OPTIONS, RECURRENCE, REMINDERS, EventForm
from .recurrence_form import RepeatChoice

#: Choice for a stored value that the form cannot show: it stays unchanged.
UNCHANGED: Final = "keep"
_OPTIONAL: Final = "(optional)"
_SCOPES: Final = (
    ("this", _("Only this event")),
    ("following", _("This and following events")),
    ("all", _("All events in the series")),
)
_KNOWN_REMINDERS: Final = frozenset(value for value, _label in REMINDERS)


class EditEventForm(EventForm):
    """`version` is the ETag of the event that the page showed."""

    key = None  # type: ignore[assignment]
    calendar = None  # type: ignore[assignment]
    require_free = None  # type: ignore[assignment]
    version = forms.CharField(max_length=200)
    zone = forms.CharField(max_length=200, widget=forms.Select)
    scope = forms.ChoiceField(choices=_SCOPES, widget=forms.RadioSelect, required=False)
    repeats = forms.ChoiceField(
        choices=(*recurrence_form.CHOICES, (UNCHANGED, _("No change"))),
        required=False,
    )
    reminders = forms.ChoiceField(choices=(*REMINDERS, (UNCHANGED, _("No change"))), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = {*calendar_preferences.ZONES, str(self["zone"].value() or "UTC")}
        select = cast("forms.Select", self.fields["zone"].widget)
        select.choices = [(name, name) for name in sorted(names)]

    def get_changes(self, *, is_occurrence: bool) -> EventEdit:
        """
        Return the fields that differ from the version that the page showed.

        :raises BadEventDraft, etags.VersionMalformed:
        """
        cleaned_data = self.cleaned_data
        draft = self.build_draft()
        changed = set(
            etags.get_changed_fields(cleaned_data["version"], event_drafts.to_event_content(draft))
        )
        if is_occurrence or cleaned_data["repeats"] == UNCHANGED:
            changed.discard("recurrence")
        if cleaned_data["reminders"] == UNCHANGED:
            changed.discard("reminders")
        names = changed - {"when"} | ({"start", "end"} if "when" in changed else set())
        return cast("EventEdit", {name: getattr(draft, name) for name in names})

    def _get_guests(self) -> tuple[DraftGuest, ...]:
        guests = []
        for guest in super()._get_guests():
            email, mark, rest = guest.email.partition(_OPTIONAL)
            is_optional = bool(mark) and not rest.strip()
            guests.append(DraftGuest(email.strip(), is_optional=True) if is_optional else guest)
        return tuple(guests)


def make_edit_presenter(
    page_data: EventPageData,
    options: event_presenter.EventPageOptions,
    sent_form: EditEventForm | None,
) -> Callable[[OpenedRows], Sequence[TemplateItem]]:
    """:param sent_form: shown again instead of the stored event"""
    present_event = event_presenter.make_event_presenter(page_data, options)

    def present_page(opened: OpenedRows) -> Sequence[TemplateItem]:
        presented = present_event(opened)
        event_occurrence = event_presenter.find_occurrence(
            opened[len(page_data.calendars) :], options.event_id
        )
        if not presented or event_occurrence is None:
            return []
        occurrence = event_occurrence.occurrence
        zone = display_timezone.choose_timezone(
            options.zone,
            page_data.calendars,
            event_presenter.read_calendar_properties(page_data, opened),
        )
        form = sent_form or EditEventForm(
            initial=get_initial(
                occurrence.content,
                occurrence.start,
                occurrence.end,
                zone=zone.key,
            )
        )
        fields = {
            name: {"control": str(form[name]), "wrong": str(form[name].errors)}
            for name in form.fields
        }
        is_single = presented[0].clear["is_one_of_many"]
        names = OPTIONS if is_single else (*RECURRENCE, *OPTIONS)
        clear = {**presented[0].clear, "has_options": form.has_values(names)}
        form_zone = str(form["zone"].value() or zone.key)
        opened_values = {**presented[0].opened, "form": fields, "form_zone": form_zone}
        return [TemplateItem(clear, opened_values)]

    return present_page


def get_initial(content: EventContent, start: When, end: When, *, zone: str) -> Mapping[str, Any]:
    """:param zone: for times without a time zone"""
    repeat = recurrence_form.parse_recurrence(content.recurrence, content.start)
    return {
        "title": content.title,
        "description": content.description,
        "location": content.location,
        "guests": "\n".join(
            f"{attendee.email} {_OPTIONAL}" if attendee.is_optional else attendee.email
            for attendee in content.attendees
        ),
        "is_free": not content.is_busy,
        "is_private": content.is_private,
        "reminders": _get_reminder_choice(content.reminders),
        "scope": "this",
        **_get_time_fields(start, end, start.zone or zone or "UTC"),
        **_get_recurrence_fields(repeat),
    }


def _get_time_fields(start: When, end: When, zone: str) -> Mapping[str, Any]:
    if start.day is not None:
        last: date = max((end.day or start.day) - timedelta(days=1), start.day)
        return {"is_days": True, "start_day": start.day, "end_day": last, "zone": zone}
    tz = timezones.get_zone(timezones.get_iana_name(zone))
    local_start, local_end = (_to_local_time(when, tz) for when in (start, end))
    return {
        "is_days": False,
        "start_day": local_start.date(),
        "start_time": local_start.time(),
        "end_day": local_end.date(),
        "end_time": local_end.time(),
        "zone": tz.key,
    }


def _to_local_time(when: When, tz: Any) -> datetime:
    if when.at is None:
        raise ValueError("a day has no moment")
    return timezones.to_local_time(when.at, tz)


def _get_recurrence_fields(repeat: RepeatChoice | None) -> Mapping[str, Any]:
    if repeat is None:
        return {"repeats": UNCHANGED, "every": 1}
    return {
        "repeats": repeat.pattern,
        "every": repeat.interval,
        "weekdays": [str(day) for day in repeat.days],
        "until": repeat.until,
        "count": repeat.count,
    }


def _get_reminder_choice(reminders: tuple[Reminder, ...] | None) -> str:
    if reminders is None:
        return ""
    if not reminders:
        return "none"
    minutes = str(reminders[0].minutes)
    is_a_choice = reminders == (Reminder(reminders[0].minutes),) and minutes in _KNOWN_REMINDERS
    return minutes if is_a_choice else UNCHANGED
