from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from django import forms

from integrations.calendar.events import event_drafts
from integrations.calendar.events.event_drafts import DraftGuest, EventDraft
from integrations.calendar.events.event_validation import BadEventDraft
from integrations.formats.event_content import Reminder, When

from . import recurrence_form
from .recurrence_form import RepeatChoice

_DAY: Final = timedelta(days=1)
# The most guests with the longest addresses, one per line.
_MAX_GUESTS_LENGTH: Final = 60_000
REMINDERS: Final = (
    ("", "As the calendar does by itself"),
    ("none", "None"),
    ("0", "When it begins"),
    ("5", "5 minutes before"),
    ("10", "10 minutes before"),
    ("30", "30 minutes before"),
    ("60", "1 hour before"),
    ("1440", "1 day before"),
)
# Form field by the operation's field.
_FORM_FIELDS: Final = {
    "start": "start_day",
    "end": "end_day",
    "recurrence": "repeats",
    "attendees": "guests",
}


def _make_date_field(label: str, **kwargs: Any) -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, widget=widget, **kwargs)


def _make_time_field(label: str) -> forms.TimeField:
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
    is_days = forms.BooleanField(label="All day", required=False)
    start_day = _make_date_field("Begins on")
    start_time = _make_time_field("At")
    end_day = _make_date_field("Ends on")
    end_time = _make_time_field("At")
    zone = forms.CharField(label="Time zone", max_length=200)
    repeats = forms.ChoiceField(choices=recurrence_form.CHOICES, required=False)
    every = forms.IntegerField(
        label="Every how many days, weeks, months or years",
        min_value=1,
        max_value=99,
        initial=1,
        required=False,
    )
    weekdays = forms.MultipleChoiceField(
        label="On these days, if it repeats every week",
        choices=recurrence_form.list_weekdays(),
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    until = _make_date_field("Last on (optional)", required=False)
    count = forms.IntegerField(
        label="Or so many times (optional)", min_value=1, max_value=5000, required=False
    )
    location = forms.CharField(label="Where", max_length=1000, required=False)
    guests = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        max_length=_MAX_GUESTS_LENGTH,
        required=False,
        help_text="One address on each line.",
    )
    require_free = forms.BooleanField(required=False)
    notify = forms.BooleanField(label="Send the guests an invitation", required=False)
    description = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 5}), max_length=8192, required=False
    )
    reminders = forms.ChoiceField(choices=REMINDERS, required=False)
    is_free = forms.BooleanField(label="Show me as free", required=False)
    is_private = forms.BooleanField(label="Private: whom I share with sees busy", required=False)

    def clean(self) -> dict[str, Any]:
        cleaned_data = super().clean() or {}
        if not cleaned_data.get("is_days"):
            for name in ("start_time", "end_time"):
                if name not in self.errors and cleaned_data.get(name) is None:
                    self.add_error(name, "Say at what time, or choose all day.")
        if cleaned_data.get("until") and cleaned_data.get("count"):
            self.add_error("count", "Choose either a last day or a number of times.")
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
