from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

from django import forms
from django.utils.translation import gettext_lazy as _

from integrations.calendar.events import event_drafts
from integrations.calendar.events.event_drafts import DraftGuest, EventDraft
from integrations.calendar.events.event_validation import BadEventDraft
from integrations.calendar.messages import event_fields as messages
from integrations.formats.event_content import Reminder, When

from . import recurrence_form
from .recurrence_form import RepeatChoice

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

_DAY: Final = timedelta(days=1)
# The most guests with the longest addresses, one per line.
_MAX_GUESTS_LENGTH: Final = 60_000
REMINDERS: Final = (
    ("", _("Calendar default")),
    ("none", _("None")),
    ("0", _("At the start")),
    ("5", _("5 minutes before")),
    ("10", _("10 minutes before")),
    ("30", _("30 minutes before")),
    ("60", _("1 hour before")),
    ("1440", _("1 day before")),
)
#: The fields under "More options", beside the time zone.
RECURRENCE: Final = ("repeats", "every", "weekdays", "until", "count")
OPTIONS: Final = ("reminders", "is_free", "is_private")
_DEFAULTS: Final[tuple[object, ...]] = (None, "", False, [], 1, "1")
# Form field by the operation's field.
_FORM_FIELDS: Final = {
    "start": "start_day",
    "end": "end_day",
    "recurrence": "repeats",
    "attendees": "guests",
}


def _make_date_field(label: StrOrPromise, **kwargs: Any) -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    texts = {"required": _("Enter a date."), "invalid": _("Enter a date.")}
    return forms.DateField(label=label, widget=widget, error_messages=texts, **kwargs)


def _make_time_field(label: StrOrPromise) -> forms.TimeField:
    widget = forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    return forms.TimeField(label=label, widget=widget, required=False)


class EventForm(forms.Form):
    """
    An event as a person enters it: local times, both days inclusive.

    `key` identifies this form: sent twice, it creates one event.
    """

    key = forms.UUIDField(widget=forms.HiddenInput)
    calendar = forms.UUIDField()
    title = forms.CharField(max_length=1000, required=False)
    is_days = forms.BooleanField(label=_("All day"), required=False)
    start_day = _make_date_field(_("Start"))
    start_time = _make_time_field(_("Start time"))
    end_day = _make_date_field(_("End"))
    end_time = _make_time_field(_("End time"))
    zone = forms.CharField(label=_("Time zone"), max_length=200)
    repeats = forms.ChoiceField(choices=recurrence_form.CHOICES, required=False)
    every = forms.IntegerField(
        label=_("Repeat every (days, weeks, months or years)"),
        min_value=1,
        max_value=99,
        initial=1,
        required=False,
    )
    weekdays = forms.MultipleChoiceField(
        label=_("Days of the week, if weekly"),
        choices=recurrence_form.list_weekdays(),
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    until = _make_date_field(_("Last day (optional)"), required=False)
    count = forms.IntegerField(
        label=_("Number of times (optional)"), min_value=1, max_value=5000, required=False
    )
    location = forms.CharField(label=_("Location"), max_length=1000, required=False)
    guests = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        max_length=_MAX_GUESTS_LENGTH,
        required=False,
        help_text=_("One email address per line."),
    )
    require_free = forms.BooleanField(required=False)
    notify = forms.BooleanField(label=_("Email invitations"), required=False)
    description = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 5}), max_length=8192, required=False
    )
    reminders = forms.ChoiceField(choices=REMINDERS, required=False)
    is_free = forms.BooleanField(label=_("Show me as free"), required=False)
    is_private = forms.BooleanField(
        label=_("Private: people I share with see “busy”"), required=False
    )

    @property
    def has_options(self) -> bool:
        return self.has_values((*RECURRENCE, *OPTIONS))

    def has_values(self, names: Iterable[str]) -> bool:
        """Return whether one of the fields under "More options" has a value or an error."""
        return bool(self["zone"].errors) or any(
            self[name].errors or self[name].value() not in _DEFAULTS for name in names
        )

    def clean(self) -> dict[str, Any]:
        cleaned_data = super().clean() or {}
        if not cleaned_data.get("is_days"):
            for name in ("start_time", "end_time"):
                if name not in self.errors and cleaned_data.get(name) is None:
                    self.add_error(name, messages.TIME_MISSING)
        start, end = cleaned_data.get("start_day"), cleaned_data.get("end_day")
        if cleaned_data.get("is_days") and start and end and end < start:
            self.add_error("end_day", messages.END_NOT_AFTER_START)
        if cleaned_data.get("until") and cleaned_data.get("count"):
            self.add_error("count", messages.LAST_DAY_AND_COUNT)
        return cleaned_data

    def build_draft(self) -> EventDraft:
        """:raises BadEventDraft: if a time does not exist in its zone"""
        cleaned_data = self.cleaned_data
        start, end = self._get_when("start"), self._get_when("end")
        return EventDraft(
            title=cleaned_data["title"],
            description=cleaned_data["description"].replace("\r\n", "\n"),
            location=cleaned_data["location"],
            start=start,
            end=end,
            recurrence=recurrence_form.format_recurrence(self._get_repeat(), start),
            attendees=self._get_guests(),
            is_busy=not cleaned_data["is_free"],
            is_private=cleaned_data["is_private"],
            reminders=_parse_reminder(cleaned_data["reminders"]),
        )

    def add_draft_errors(self, error: BadEventDraft) -> None:
        for name, message in error.fields.items():
            field = _FORM_FIELDS.get(name, name)
            self.add_error(field if field in self.fields else None, message)

    def _get_when(self, prefix: str) -> When:
        day: date = self.cleaned_data[f"{prefix}_day"]
        if self.cleaned_data["is_days"]:
            # Calendars use an exclusive end.
            return event_drafts.parse_event_day(
                day + _DAY if prefix == "end" and day < date.max else day
            )
        clock = datetime.combine(day, self.cleaned_data[f"{prefix}_time"])
        return event_drafts.resolve_clock_time(clock, self.cleaned_data["zone"], field=prefix)

    def _get_guests(self) -> tuple[DraftGuest, ...]:
        lines = self.cleaned_data["guests"].splitlines()
        return tuple(DraftGuest(line.strip()) for line in lines if line.strip())

    def _get_repeat(self) -> RepeatChoice:
        cleaned_data = self.cleaned_data
        if cleaned_data["repeats"] not in dict(recurrence_form.CHOICES):
            return RepeatChoice("")
        return RepeatChoice(
            pattern=cleaned_data["repeats"],
            interval=cleaned_data["every"] or 1,
            days=tuple(int(day) for day in cleaned_data["weekdays"]),
            until=cleaned_data["until"],
            count=cleaned_data["count"],
        )


def get_blank_values(start: datetime, length: timedelta, *, is_days: bool) -> dict[str, Any]:
    """:param start: local time"""
    day, end = start.date(), start + length
    return {
        "key": uuid4(),
        "is_days": is_days,
        "start_day": day,
        "start_time": start.time(),
        "end_day": day if is_days else end.date(),
        "end_time": end.time(),
        "every": 1,
    }


def get_calendar_id(form: EventForm) -> UUID | None:
    """Works even if other fields are invalid."""
    try:
        return UUID(str(form["calendar"].value()))
    except ValueError:
        return None


def _parse_reminder(chosen: str) -> tuple[Reminder, ...] | None:
    if not chosen.isdecimal() and chosen != "none":
        return None
    return () if chosen == "none" else (Reminder(int(chosen)),)
