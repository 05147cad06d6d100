"""Bounds and rules for the fields of an event. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

from integrations.formats import timezones
from integrations.formats.event_content import Attendee, EventContent, Reminder, When
from integrations.formats.recurrence import recurrence_parser
from integrations.formats.recurrence.recurrence_parser import BadSeries
from integrations.formats.recurrence.rrule_iter import RecurrenceWorkBudget, TooManyOccurrences
from integrations.formats.recurrence.series import BadEventTimes
from integrations.formats.recurrence.series import validate_times as times_of

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

ONE_REPEATS: Final = "One occurrence does not repeat: choose more of them."
ONE_MOVES: Final = "One occurrence stays where its series is."
_REFUSED: Final = (
    "Outlook refuses one of its changed occurrences in the other calendar. Move it in Outlook."
)
#: Why an event cannot move, by the reason that an adapter gives.
WHY_NOT_MOVED: Final[Mapping[str, str]] = {
    "move-invitation": "You were invited to it, and Outlook has no way to move an invitation.",
    "move-attachments": "It has attachments, which Antares does not copy. Move it in Outlook.",
    "move-too-many": "Too many of its occurrences differ from the series. Move it in Outlook.",
    "move-order": _REFUSED,
    "move-incomplete": _REFUSED,
}
NO_SUCH_ZONE: Final = "There is no such time zone: name it as in Europe/Berlin."


class BadEventDraft(Exception):
    """`fields` has a message for each invalid field."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__("not an event")
        self.fields = dict(fields)


def validate_event(content: EventContent, edited_fields: frozenset[str]) -> EventContent:
    """
    Return the event, its title on one line.

    :param edited_fields: only these are checked
    :raises BadEventDraft:
    """
    messages: dict[str, str] = {}
    for name, max_length in (
        ("title", MAX_TITLE_LENGTH),
        ("description", MAX_DESCRIPTION_LENGTH),
        ("location", MAX_LOCATION_LENGTH),
    ):
        if name in edited_fields:
            messages |= _check_text(name, getattr(content, name), max_length)
    if "attendees" in edited_fields:
        messages |= _check_attendees(content.attendees)
    if "reminders" in edited_fields:
        messages |= _check_reminders(content.reminders)
    if edited_fields & {"start", "end", "recurrence"}:
        messages |= _check_times(content)
    if messages:
        raise BadEventDraft(messages)
    if "title" in edited_fields:
        content = replace(content, title=" ".join(content.title.split()))
    return content


def _check_text(name: str, text: str, max_length: int) -> dict[str, str]:
    if len(text) > max_length:
        return {name: f"At most {max_length:,} characters; these are {len(text):,}."}
    if _CONTROL.search(text):
        return {name: "There are characters in it that cannot be shown."}
    return {}


def _check_attendees(guests: tuple[Attendee, ...]) -> dict[str, str]:
    if len(guests) > MAX_GUESTS:
        return {"attendees": f"At most {MAX_GUESTS} people can be invited."}
    for number, guest in enumerate(guests, start=1):
        if len(guest.email) > MAX_ADDRESS_LENGTH or not _ADDRESS.fullmatch(guest.email):
            return {"attendees": f"Number {number} is no e-mail address."}
        if len(guest.name) > MAX_NAME_LENGTH or _CONTROL.search(guest.name):
            return {"attendees": f"The name of number {number} is too long, or cannot be shown."}
    if len({guest.email.lower() for guest in guests}) < len(guests):
        return {"attendees": "Somebody is invited twice."}
    return {}


def _check_reminders(reminders: tuple[Reminder, ...] | None) -> dict[str, str]:
    if reminders is None:
        return {}
    if len(reminders) > MAX_REMINDERS:
        return {"reminders": f"At most {MAX_REMINDERS} reminders."}
    if any(not 0 <= reminder.minutes <= MAX_REMINDER_MINUTES for reminder in reminders):
        return {
            "reminders": f"From 0 to {MAX_REMINDER_MINUTES:,} minutes before, which is four weeks."
        }
    return {}


def _check_times(content: EventContent) -> dict[str, str]:
    for name in ("start", "end"):
        value: When = getattr(content, name)
        if value.day is None and value.zone:
            try:
                timezones.get_zone(value.zone)
            except timezones.UnknownZone:
                return {"zone": NO_SUCH_ZONE}
    try:
        start, end = times_of(content)
    except BadEventTimes:
        return {"end": _explain_end(content)}
    if end - start > MAX_DURATION:
        return {"end": f"At most {MAX_DURATION.days} days long."}
    return _check_recurrence(content)


def _explain_end(content: EventContent) -> str:
    if (content.start.day is None) != (content.end.day is None):
        return "It begins as days and ends at a time, or the other way round."
    if content.start.day is not None:
        return "It has to end after the day that it begins on: the end is the day after the last."
    return "It ends before it begins, or lies outside of all calendars."


def _check_recurrence(content: EventContent) -> dict[str, str]:
    lines = content.recurrence
    if len(lines) > MAX_LINES or any(len(line) > MAX_LINE_LENGTH for line in lines):
        return {"recurrence": f"At most {MAX_LINES} lines of {MAX_LINE_LENGTH:,} characters."}
    most = max((int(count) for line in lines for count in _COUNT.findall(line)), default=0)
    if most > MAX_OCCURRENCES:
        return {"recurrence": f"At most {MAX_OCCURRENCES:,} times, or without an end."}
    reason = _explain_recurrence(content)
    return {"recurrence": reason} if reason else {}


def _explain_recurrence(content: EventContent) -> str:
    try:
        series = recurrence_parser.parse_series(
            content, RecurrenceWorkBudget(recurrence_parser.MAX_SERIES_WORK)
        )
    except BadSeries as error:
        return f"Line {error.line}: {error.why}."
    except (TooManyOccurrences, BadEventTimes, timezones.UnknownZone):
        return "It takes too much to find when that happens: simplify the rule."
    if content.recurrence and not series.runs and not series.more:
        return "It says when it does not happen, and not when it does."
    return ""
