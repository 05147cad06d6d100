"""What somebody types of an event, and the draft that it is; what is wrong stands at its field."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from django import forms

from integrations.calendar.events import drafts
from integrations.calendar.events.drafts import Draft, Guest
from integrations.calendar.events.validation import BadDraft
from integrations.formats.event import Reminder, When

from . import recurrence_form
from .recurrence_form import Repeat

_DAY: Final = timedelta(days=1)
# As many as can be invited, by the longest addresses, one on a line.
_LONGEST_GUESTS: Final = 60_000
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
# Where an operation's word about a field is said.
_AT: Final = {
    "start": "start_day",
    "end": "end_day",
    "recurrence": "repeats",
    "attendees": "guests",
}


def _day(label: str, **more: Any) -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, widget=widget, **more)


def _clock(label: str) -> forms.TimeField:
    widget = forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    return forms.TimeField(label=label, widget=widget, required=False)


class EventForm(forms.Form):
    """
    An event as a person writes it: times on the clock of a place, both days inclusive.

    `key` names this very form: sent twice, it makes one event.
    """

    key = forms.UUIDField(widget=forms.HiddenInput)
    calendar = forms.UUIDField()
    title = forms.CharField(max_length=1000, required=False)
    is_days = forms.BooleanField(label="All day", required=False)
    start_day = _day("Begins on")
    start_time = _clock("At")
    end_day = _day("Ends on")
    end_time = _clock("At")
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
        choices=recurrence_form.weekdays(),
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    until = _day("Last on (optional)", required=False)
    count = forms.IntegerField(
        label="Or so many times (optional)", min_value=1, max_value=5000, required=False
    )
    location = forms.CharField(label="Where", max_length=1000, required=False)
    guests = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        max_length=_LONGEST_GUESTS,
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
        given = super().clean() or {}
        if not given.get("is_days"):
            for name in ("start_time", "end_time"):
                if name not in self.errors and given.get(name) is None:
                    self.add_error(name, "Say at what time, or choose all day.")
        if given.get("until") and given.get("count"):
            self.add_error("count", "Choose either a last day or a number of times.")
        return given

    def draft(self) -> Draft:
        """
        Return what was typed as a draft.

        :raises BadDraft: if a time is none that clocks there show
        """
        given = self.cleaned_data
        start, end = self._when("start"), self._when("end")
        return Draft(
            title=given["title"],
            description=given["description"].replace("\r\n", "\n"),
            location=given["location"],
            start=start,
            end=end,
            recurrence=recurrence_form.written(self._repeat(), start),
            attendees=self._guests(),
            is_busy=not given["is_free"],
            is_private=given["is_private"],
            reminders=_reminders(given["reminders"]),
        )

    def refuse(self, bad: BadDraft) -> None:
        """Say at each field what an operation found wrong there."""
        for name, words in bad.fields.items():
            at = _AT.get(name, name)
            self.add_error(at if at in self.fields else None, words)

    def _when(self, which: str) -> When:
        day: date = self.cleaned_data[f"{which}_day"]
        if self.cleaned_data["is_days"]:
            # The day after the last, as calendars count.
            return drafts.day(day + _DAY if which == "end" and day < date.max else day)
        clock = datetime.combine(day, self.cleaned_data[f"{which}_time"])
        return drafts.moment(clock, self.cleaned_data["zone"], field=which)

    def _guests(self) -> tuple[Guest, ...]:
        lines = self.cleaned_data["guests"].splitlines()
        return tuple(Guest(line.strip()) for line in lines if line.strip())

    def _repeat(self) -> Repeat:
        given = self.cleaned_data
        if given["repeats"] not in dict(recurrence_form.CHOICES):
            return Repeat("")
        return Repeat(
            how=given["repeats"],
            every=given["every"] or 1,
            days=tuple(int(one) for one in given["weekdays"]),
            until=given["until"],
            count=given["count"],
        )


def blank(start: datetime, length: timedelta, *, is_days: bool) -> dict[str, Any]:
    """
    Return what a form for a new event begins with: so long from then on, or all of that day.

    :param start: a clock time
    """
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


def calendar_of(form: EventForm) -> UUID | None:
    """Return which calendar is chosen in a form, however good the rest is; None: none."""
    try:
        return UUID(str(form["calendar"].value()))
    except ValueError:
        return None


def _reminders(chosen: str) -> tuple[Reminder, ...] | None:
    if not chosen.isdecimal() and chosen != "none":
        return None
    return () if chosen == "none" else (Reminder(int(chosen)),)
