"""Whether what somebody wrote can be an event: all of it bounded, and said by field. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

from integrations import zones
from integrations.almanac import compiling
from integrations.almanac.compiling import BadSeries
from integrations.almanac.series import BadEvent
from integrations.almanac.series import checked as times_of
from integrations.almanac.stepping import TooMany, Work
from integrations.event_shapes import Attendee, EventContent, Reminder, When

LONGEST_TITLE: Final = 1_000
#: Characters; a provider keeps no more than this of a description either.
LONGEST_DESCRIPTION: Final = 8_192
LONGEST_LOCATION: Final = 1_000
LONGEST_ADDRESS: Final = 254
LONGEST_NAME: Final = 200
MOST_GUESTS: Final = 200
MOST_REMINDERS: Final = 5
#: Minutes: four weeks, which is the furthest that Google takes.
EARLIEST_REMINDER: Final = 40_320
#: Lines of a recurrence that somebody writes, and characters of each.
MOST_LINES: Final = 20
LONGEST_LINE: Final = 2_000
#: What has more occurrences than this, and an end, is a mistake.
MOST_OCCURRENCES: Final = 5_000
LONGEST_DURATION: Final = timedelta(days=366)

# What both ends of the mail system agree on; whether it exists, nobody can tell from here.
_ADDRESS: Final = re.compile(
    r"[^\s@,;<>\"()\[\]\\]{1,64}@[^\s@,;<>\"()\[\]\\]{1,189}\.[^\s@.]{2,63}"
)
_COUNT: Final = re.compile(r"COUNT=(\d{1,12})", re.IGNORECASE | re.ASCII)
# Nothing that is shown as text: all but tabs and line ends.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")

ONE_REPEATS: Final = "One occurrence does not repeat: choose more of them."
ONE_MOVES: Final = "One occurrence stays where its series is."
_REFUSED: Final = (
    "Outlook refuses one of its changed occurrences in the other calendar. Move it in Outlook."
)
#: Why an event stays in its calendar, by the reason that an adapter gives.
WHY_NOT_MOVED: Final[Mapping[str, str]] = {
    "move-invitation": "You were invited to it, and Outlook has no way to move an invitation.",
    "move-attachments": "It has attachments, which Antares does not copy. Move it in Outlook.",
    "move-too-many": "Too many of its occurrences differ from the series. Move it in Outlook.",
    "move-order": _REFUSED,
    "move-incomplete": _REFUSED,
}
NO_SUCH_ZONE: Final = "There is no such time zone: name it as in Europe/Berlin."


class BadDraft(Exception):
    """It cannot be an event. `fields` says by field what is wrong: show it there."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__("not an event")
        self.fields = dict(fields)


def checked(made: EventContent, touched: frozenset[str]) -> EventContent:
    """
    Return the event, its title on one line.

    :param touched: names of `EventContent` that somebody wrote; the others stay as they came
    :raises BadDraft: if something of those is not good
    """
    wrong: dict[str, str] = {}
    for name, longest in (
        ("title", LONGEST_TITLE),
        ("description", LONGEST_DESCRIPTION),
        ("location", LONGEST_LOCATION),
    ):
        if name in touched:
            wrong |= _text(name, getattr(made, name), longest)
    if "attendees" in touched:
        wrong |= _invited(made.attendees)
    if "reminders" in touched:
        wrong |= _reminded(made.reminders)
    if touched & {"start", "end", "recurrence"}:
        wrong |= _timed(made)
    if wrong:
        raise BadDraft(wrong)
    if "title" in touched:
        made = replace(made, title=" ".join(made.title.split()))
    return made


def _text(name: str, text: str, longest: int) -> dict[str, str]:
    if len(text) > longest:
        return {name: f"At most {longest:,} characters; these are {len(text):,}."}
    if _CONTROL.search(text):
        return {name: "There are characters in it that cannot be shown."}
    return {}


def _invited(guests: tuple[Attendee, ...]) -> dict[str, str]:
    if len(guests) > MOST_GUESTS:
        return {"attendees": f"At most {MOST_GUESTS} people can be invited."}
    for number, one in enumerate(guests, start=1):
        if len(one.email) > LONGEST_ADDRESS or not _ADDRESS.fullmatch(one.email):
            return {"attendees": f"Number {number} is no e-mail address."}
        if len(one.name) > LONGEST_NAME or _CONTROL.search(one.name):
            return {"attendees": f"The name of number {number} is too long, or cannot be shown."}
    if len({one.email.lower() for one in guests}) < len(guests):
        return {"attendees": "Somebody is invited twice."}
    return {}


def _reminded(reminders: tuple[Reminder, ...] | None) -> dict[str, str]:
    if reminders is None:
        return {}
    if len(reminders) > MOST_REMINDERS:
        return {"reminders": f"At most {MOST_REMINDERS} reminders."}
    if any(not 0 <= one.minutes <= EARLIEST_REMINDER for one in reminders):
        return {
            "reminders": f"From 0 to {EARLIEST_REMINDER:,} minutes before, which is four weeks."
        }
    return {}


def _timed(made: EventContent) -> dict[str, str]:
    for name in ("start", "end"):
        value: When = getattr(made, name)
        if value.day is None and value.zone:
            try:
                zones.zone(value.zone)
            except zones.UnknownZone:
                return {"zone": NO_SUCH_ZONE}
    try:
        start, end = times_of(made)
    except BadEvent:
        return {"end": _why(made)}
    if end - start > LONGEST_DURATION:
        return {"end": f"At most {LONGEST_DURATION.days} days long."}
    return _recurring(made)


def _why(made: EventContent) -> str:
    if (made.start.day is None) != (made.end.day is None):
        return "It begins as days and ends at a time, or the other way round."
    if made.start.day is not None:
        return "It has to end after the day that it begins on: the end is the day after the last."
    return "It ends before it begins, or lies outside of all calendars."


def _recurring(made: EventContent) -> dict[str, str]:
    lines = made.recurrence
    if len(lines) > MOST_LINES or any(len(one) > LONGEST_LINE for one in lines):
        return {"recurrence": f"At most {MOST_LINES} lines of {LONGEST_LINE:,} characters."}
    most = max((int(one) for line in lines for one in _COUNT.findall(line)), default=0)
    if most > MOST_OCCURRENCES:
        return {"recurrence": f"At most {MOST_OCCURRENCES:,} times, or without an end."}
    said = _why_no_series(made)
    return {"recurrence": said} if said else {}


def _why_no_series(made: EventContent) -> str:
    try:
        series = compiling.compiled(made, Work(compiling.WORK))
    except BadSeries as error:
        return f"Line {error.line}: {error.why}."
    except (TooMany, BadEvent, zones.UnknownZone):
        return "It takes too much to find when that happens: simplify the rule."
    if made.recurrence and not series.runs and not series.more:
        return "It says when it does not happen, and not when it does."
    return ""
