"""Bounds and rules for the fields of an event."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from integrations.calendar.messages import event_fields as messages
from integrations.formats import timezones
from integrations.formats.event_content import Attendee, EventContent, Reminder, When
from integrations.formats.recurrence import recurrence_parser
from integrations.formats.recurrence.recurrence_parser import BadSeries
from integrations.formats.recurrence.rrule_iter import RecurrenceWorkBudget, TooManyOccurrences
from integrations.formats.recurrence.series import BadEventTimes
from integrations.formats.recurrence.series import validate_times as times_of

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

MAX_TITLE_LENGTH: Final = 1_000
#: Characters; the providers' limit.
MAX_DESCRIPTION_LENGTH: Final = 8_192
MAX_LOCATION_LENGTH: Final = 1_000
MAX_ADDRESS_LENGTH: Final = 254
MAX_NAME_LENGTH: Final = 200
MAX_GUESTS: Final = 200
MAX_REMINDERS: Final = 5
#: Minutes: four weeks, the most that Google accepts.
MAX_REMINDER_MINUTES: Final = 40_320
#: Lines of a recurrence, and characters of each.
MAX_LINES: Final = 20
MAX_LINE_LENGTH: Final = 2_000
#: A series with an end and more occurrences than this is a mistake.
MAX_OCCURRENCES: Final = 5_000
MAX_DURATION: Final = timedelta(days=366)

# The form of an address; only mail can tell whether the address exists.
_ADDRESS: Final = re.compile(
    r"[^\s@,;<>\"()\[\]\\]{1,64}@[^\s@,;<>\"()\[\]\\]{1,189}\.[^\s@.]{2,63}"
)
_COUNT: Final = re.compile(r"COUNT=(\d{1,12})", re.IGNORECASE | re.ASCII)
# Control characters except tabs and line ends.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


_Problems = dict[str, "StrOrPromise"]


class BadEventDraft(Exception):
    """`fields` has a message for each invalid field."""

    def __init__(self, fields: Mapping[str, StrOrPromise]) -> None:
        super().__init__("not an event")
        self.fields = {name: str(message) for name, message in fields.items()}


def validate_event(content: EventContent, edited_fields: frozenset[str]) -> EventContent:
    """
    Return the event, its title on one line.

    :param edited_fields: only these are checked
    :raises BadEventDraft:
    """
    problems: _Problems = {}
    for name, max_length in (
        ("title", MAX_TITLE_LENGTH),
        ("description", MAX_DESCRIPTION_LENGTH),
        ("location", MAX_LOCATION_LENGTH),
    ):
        if name in edited_fields:
            problems |= _check_text(name, getattr(content, name), max_length)
    if "attendees" in edited_fields:
        problems |= _check_attendees(content.attendees)
    if "reminders" in edited_fields:
        problems |= _check_reminders(content.reminders)
    if edited_fields & {"start", "end", "recurrence"}:
        problems |= _check_times(content)
    if problems:
        raise BadEventDraft(problems)
    if "title" in edited_fields:
        content = replace(content, title=" ".join(content.title.split()))
    return content


def _check_text(name: str, text: str, max_length: int) -> _Problems:
    if len(text) > max_length:
        counts = {"most": f"{max_length:,}", "count": f"{len(text):,}"}
        return {name: messages.TEXT_TOO_LONG % counts}
    if _CONTROL.search(text):
        return {name: messages.TEXT_NOT_PRINTABLE}
    return {}


def _check_attendees(guests: tuple[Attendee, ...]) -> _Problems:
    if len(guests) > MAX_GUESTS:
        return {"attendees": messages.TOO_MANY_ATTENDEES % {"most": MAX_GUESTS}}
    for number, guest in enumerate(guests, start=1):
        if len(guest.email) > MAX_ADDRESS_LENGTH or not _ADDRESS.fullmatch(guest.email):
            return {"attendees": messages.NOT_AN_ADDRESS % {"number": number}}
        if len(guest.name) > MAX_NAME_LENGTH or _CONTROL.search(guest.name):
            return {"attendees": messages.BAD_ATTENDEE_NAME % {"number": number}}
    if len({guest.email.lower() for guest in guests}) < len(guests):
        return {"attendees": messages.ATTENDEE_TWICE}
    return {}


def _check_reminders(reminders: tuple[Reminder, ...] | None) -> _Problems:
    if reminders is None:
        return {}
    if len(reminders) > MAX_REMINDERS:
        return {"reminders": messages.TOO_MANY_REMINDERS % {"most": MAX_REMINDERS}}
    if any(not 0 <= reminder.minutes <= MAX_REMINDER_MINUTES for reminder in reminders):
        most = f"{MAX_REMINDER_MINUTES:,}"
        return {"reminders": messages.REMINDER_OUT_OF_RANGE % {"most": most}}
    return {}


def _check_times(content: EventContent) -> _Problems:
    for name in ("start", "end"):
        value: When = getattr(content, name)
        if value.day is None and value.zone:
            try:
                timezones.get_zone(value.zone)
            except timezones.UnknownZone:
                return {"zone": messages.UNKNOWN_ZONE}
    try:
        start, end = times_of(content)
    except BadEventTimes:
        return {"end": _explain_end(content)}
    if end - start > MAX_DURATION:
        return {"end": messages.TOO_LONG % {"most": MAX_DURATION.days}}
    return _check_recurrence(content)


def _explain_end(content: EventContent) -> StrOrPromise:
    if (content.start.day is None) != (content.end.day is None):
        return messages.DAY_AND_TIME
    if content.start.day is not None:
        return messages.END_DAY_NOT_AFTER_START
    return messages.END_NOT_AFTER_START


def _check_recurrence(content: EventContent) -> _Problems:
    lines = content.recurrence
    if len(lines) > MAX_LINES or any(len(line) > MAX_LINE_LENGTH for line in lines):
        limits = {"lines": MAX_LINES, "characters": f"{MAX_LINE_LENGTH:,}"}
        return {"recurrence": messages.TOO_MANY_RECURRENCE_LINES % limits}
    most = max((int(count) for line in lines for count in _COUNT.findall(line)), default=0)
    if most > MAX_OCCURRENCES:
        most_text = f"{MAX_OCCURRENCES:,}"
        return {"recurrence": messages.TOO_MANY_OCCURRENCES % {"most": most_text}}
    reason = _explain_recurrence(content)
    return {"recurrence": reason} if reason else {}


def _explain_recurrence(content: EventContent) -> StrOrPromise:
    try:
        series = recurrence_parser.parse_series(
            content, RecurrenceWorkBudget(recurrence_parser.MAX_SERIES_WORK)
        )
    except BadSeries as error:
        return messages.BAD_RECURRENCE_LINE % {"line": error.line, "why": error.why}
    except (TooManyOccurrences, BadEventTimes, timezones.UnknownZone):
        return messages.RECURRENCE_TOO_COMPLEX
    if content.recurrence and not series.runs and not series.more:
        return messages.RECURRENCE_NEVER
    return ""
