"""Messages for the fields of an event, on pages and in the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

TEXT_TOO_LONG: Final = _("Use at most %(most)s characters. This text has %(count)s.")
TEXT_NOT_PRINTABLE: Final = _("This text contains characters that cannot be shown.")
TOO_MANY_ATTENDEES: Final = _("Invite at most %(most)s people.")
NOT_AN_ADDRESS: Final = _("Attendee %(number)s is not an email address.")
BAD_ATTENDEE_NAME: Final = _("The name of attendee %(number)s is too long, or cannot be shown.")
ATTENDEE_TWICE: Final = _("An attendee is listed twice.")
NO_ATTENDEES: Final = _(
    "Antares calendars cannot have attendees. Choose a calendar of a connected account."
)
TOO_MANY_REMINDERS: Final = _("Use at most %(most)s reminders.")
REMINDER_OUT_OF_RANGE: Final = _(
    "Choose from 0 to %(most)s minutes before the start, which is four weeks."
)
UNKNOWN_ZONE: Final = _("Unknown time zone. Use a name such as Europe/Berlin.")
TIME_MISSING: Final = _("Enter a time, or select “All day”.")
TIME_SKIPPED: Final = _(
    "This time does not exist on that day, because clocks go forward. Choose another time."
)
TIME_OUT_OF_RANGE: Final = _("This time is outside the supported calendar years.")
DAY_OUT_OF_RANGE: Final = _("This day is outside the supported calendar years.")
END_MISSING: Final = _("Enter an end as well.")
DAY_AND_TIME: Final = _("The start and the end must both be days, or both be times.")
END_DAY_NOT_AFTER_START: Final = _(
    "The end must be after the start. For an all-day event, the end is the day after the last day."
)
END_NOT_AFTER_START: Final = _("The end must be after the start.")
TOO_LONG: Final = _("An event can last at most %(most)s days.")
CHECKS_SINGLE_EVENTS: Final = _("Antares can check this only for a single event with a start time.")

TOO_MANY_RECURRENCE_LINES: Final = _("Use at most %(lines)s lines of %(characters)s characters.")
TOO_MANY_OCCURRENCES: Final = _("Repeat at most %(most)s times, or without an end.")
LAST_DAY_AND_COUNT: Final = _("Choose either a last day or a number of times.")
BAD_RECURRENCE_LINE: Final = _("Line %(line)s: %(why)s.")
RECURRENCE_TOO_COMPLEX: Final = _("This recurrence is too complex. Simplify it.")
RECURRENCE_NEVER: Final = _("This recurrence excludes every date.")
RECURRENCE_NEEDS_RULE: Final = _(
    "Choose how the event repeats from this date on: the current rule does not say."
)
RECURRENCE_NEEDS_TIMES: Final = _(
    "The other dates of this series do not fit the new time. Choose when and how the event repeats."
)
ONE_OCCURRENCE_REPEATS: Final = _(
    "A single occurrence cannot repeat. Choose this and following events, or all events."
)

ONE_OCCURRENCE_MOVES: Final = _("A single occurrence cannot move to another calendar.")
SAME_CALENDAR: Final = _("The event is already in this calendar.")
OTHER_ACCOUNT: Final = _("Choose a calendar of the same account.")
IMPORTED_TWICE: Final = _("This calendar already has this event, from an imported file.")
_REFUSED: Final = _(
    "Outlook does not accept one of the changed occurrences in the other calendar. Move the event"
    " in Outlook."
)
#: Why an event cannot move, by the reason that an adapter gives.
NOT_MOVED: Final[Mapping[str, StrOrPromise]] = {
    "move-invitation": _("You were invited to this event, and Outlook cannot move invitations."),
    "move-attachments": _(
        "This event has attachments, which Antares does not copy. Move the event in Outlook."
    ),
    "move-too-many": _("Too many occurrences differ from the series. Move the event in Outlook."),
    "move-order": _REFUSED,
    "move-incomplete": _REFUSED,
}
