"""Bounds and rules for the fields of an event, with a message for each field. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

from integrations.formats import timezones
from integrations.formats.event import Attendee, EventContent, Reminder, When
from integrations.formats.recurrence import parser
from integrations.formats.recurrence.parser import BadSeries
from integrations.formats.recurrence.rrule_iter import TooMany, Work
from integrations.formats.recurrence.series import BadEvent
from integrations.formats.recurrence.series import checked as times_of

LONGEST_TITLE: Final = 1_000
#: Characters; providers store no longer description.
LONGEST_DESCRIPTION: Final = 8_192
LONGEST_LOCATION: Final = 1_000
LONGEST_ADDRESS: Final = 254
LONGEST_NAME: Final = 200
MOST_GUESTS: Final = 200
MOST_REMINDERS: Final = 5
#: Minutes: four weeks, the most that Google accepts.
EARLIEST_REMINDER: Final = 40_320
#: Lines of a recurrence, and characters of each.
MOST_LINES: Final = 20
LONGEST_LINE: Final = 2_000
#: A series with an end and more occurrences than this is a mistake.
MOST_OCCURRENCES: Final = 5_000
LONGEST_DURATION: Final = timedelta(days=366)

# The form of an address; only mail can tell whether the address exists.
_ADDRESS: Final = re.compile(
    r"[^\s@,;<>\"()\[\]\\]{1,64}@[^\s@,;<>\"()\[\]\\]{1,189}\.[^\s@.]{2,63}"
)
_COUNT: Final = re.compile(r"COUNT=(\d{1,12})", re.IGNORECASE | re.ASCII)
# Control characters, but for tabs and line ends.
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


class BadDraft(Exception):
    """The draft is no valid event. `fields` has a message for each wrong field."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__("not an event")
        self.fields = dict(fields)


def validate(content: EventContent, touched: frozenset[str]) -> EventContent:
    """
    Return the event, its title on one line.

    :param touched: the fields of `EventContent` that the actor wrote; only these are checked
    :raises BadDraft: if one of them is invalid
    """
    wrong: dict[str, str] = {}
    for name, longest in (
        ("title", LONGEST_TITLE),
        ("description", LONGEST_DESCRIPTION),
        ("location", LONGEST_LOCATION),
    ):
        if name in touched:
            wrong |= _check_text(name, getattr(content, name), longest)
    if "attendees" in touched:
        wrong |= _check_attendees(content.attendees)
    if "reminders" in touched:
        wrong |= _check_reminders(content.reminders)
    if touched & {"start", "end", "recurrence"}:
        wrong |= _check_times(content)
    if wrong:
        raise BadDraft(wrong)
    if "title" in touched:
        content = replace(content, title=" ".join(content.title.split()))
    return content


def _check_text(name: str, text: str, longest: int) -> dict[str, str]:
    if len(text) > longest:
        return {name: f"At most {longest:,} characters; these are {len(text):,}."}
    if _CONTROL.search(text):
        return {name: "There are characters in it that cannot be shown."}
    return {}


def _check_attendees(guests: tuple[Attendee, ...]) -> dict[str, str]:
    if len(guests) > MOST_GUESTS:
        return {"attendees": f"At most {MOST_GUESTS} people can be invited."}
    for number, guest in enumerate(guests, start=1):
        if len(guest.email) > LONGEST_ADDRESS or not _ADDRESS.fullmatch(guest.email):
            return {"attendees": f"Number {number} is no e-mail address."}
        if len(guest.name) > LONGEST_NAME or _CONTROL.search(guest.name):
            return {"attendees": f"The name of number {number} is too long, or cannot be shown."}
    if len({guest.email.lower() for guest in guests}) < len(guests):
        return {"attendees": "Somebody is invited twice."}
    return {}


def _check_reminders(reminders: tuple[Reminder, ...] | None) -> dict[str, str]:
    if reminders is None:
        return {}
    if len(reminders) > MOST_REMINDERS:
        return {"reminders": f"At most {MOST_REMINDERS} reminders."}
    if any(not 0 <= reminder.minutes <= EARLIEST_REMINDER for reminder in reminders):
        return {
            "reminders": f"From 0 to {EARLIEST_REMINDER:,} minutes before, which is four weeks."
        }
    return {}


def _check_times(content: EventContent) -> dict[str, str]:
    for name in ("start", "end"):
        value: When = getattr(content, name)
        if value.day is None and value.zone:
            try:
                timezones.zone(value.zone)
            except timezones.UnknownZone:
                return {"zone": NO_SUCH_ZONE}
    try:
        start, end = times_of(content)
    except BadEvent:
        return {"end": _explain_end(content)}
    if end - start > LONGEST_DURATION:
        return {"end": f"At most {LONGEST_DURATION.days} days long."}
    return _check_recurrence(content)


def _explain_end(content: EventContent) -> str:
    if (content.start.day is None) != (content.end.day is None):
        return "It begins as days and ends at a time, or the other way round."
    if content.start.day is not None:
        return "It has to end after the day that it begins on: the end is the day after the last."
    return "It ends before it begins, or lies outside of all calendars."


def _check_recurrence(content: EventContent) -> dict[str, str]:
    lines = content.recurrence
    if len(lines) > MOST_LINES or any(len(line) > LONGEST_LINE for line in lines):
        return {"recurrence": f"At most {MOST_LINES} lines of {LONGEST_LINE:,} characters."}
    most = max((int(count) for line in lines for count in _COUNT.findall(line)), default=0)
    if most > MOST_OCCURRENCES:
        return {"recurrence": f"At most {MOST_OCCURRENCES:,} times, or without an end."}
    reason = _explain_recurrence(content)
    return {"recurrence": reason} if reason else {}


def _explain_recurrence(content: EventContent) -> str:
    try:
        series = parser.compiled(content, Work(parser.WORK))
    except BadSeries as error:
        return f"Line {error.line}: {error.why}."
    except (TooMany, BadEvent, timezones.UnknownZone):
        return "It takes too much to find when that happens: simplify the rule."
    if content.recurrence and not series.runs and not series.more:
        return "It says when it does not happen, and not when it does."
    return ""
