"""Words and results on the pages of calendars and events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from limited_use.policy.claims import claim

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

#: By view.
VIEWS: Final[Mapping[str, StrOrPromise]] = {
    "month": _("Month"),
    "week": _("Week"),
    "day": _("Day"),
    "agenda": _("Agenda"),
}
NO_TITLE: Final = _("(no title)")
BUSY: Final = _("Busy")
BUSY_TIMES: Final = _("Busy times")
UNNAMED_CALENDAR: Final = _("Unnamed calendar")
SHARED_CALENDAR: Final = _("%(calendar)s, shared by %(person)s")
SHARED_WITH_ME: Final = _("Shared with me")
ANTARES_CALENDARS: Final = _("Antares calendars")
PROVIDER_CALENDAR: Final = _("%(provider)s Calendar")
ACCOUNT: Final = _("%(provider)s, connected %(day)s")
ALL_DAY: Final = _("all day")
UNTIL_TIME: Final = _("until %(time)s")
FROM_TIME: Final = _("from %(time)s")
MORE_EVENTS: Final = _("%(count)s more")
#: For screen readers, by flag of an entry.
ENTRY_NOTES: Final[Mapping[str, StrOrPromise]] = {
    "is_tentative": _("tentative"),
    "is_asked": _("not answered yet"),
    "is_declined": _("declined"),
    "is_changed": _("changed from its series"),
}
UNKNOWN_ZONE: Final = _("Unknown time zone. Choose a time zone from the list.")
PREFERENCES_SAVED: Final = claim("look.kept", _("Saved until you sign out."))

#: By the response of an attendee.
ANSWERS: Final[Mapping[str, StrOrPromise]] = {
    "accepted": _("Going"),
    "declined": _("Not going"),
    "tentative": _("Maybe"),
    "needs_action": _("No answer yet"),
}
OWN_ANSWER: Final = _("Your answer: %(answer)s")
#: By flag of an attendee.
ATTENDEE_NOTES: Final[Mapping[str, StrOrPromise]] = {
    "organises": _("organiser"),
    "you": _("you"),
    "optional": _("optional"),
    "resource": _("room or resource"),
}
ATTENDEE_COUNT: Final = ngettext_lazy("%(count)d attendee", "%(count)d attendees", "count")
ANSWER_COUNT: Final = _("%(answer)s: %(count)s")

CREATED: Final = _("Event saved.")
CHANGED: Final = _("Changes saved.")
MOVED: Final = _("Event moved.")
DELETED: Final = claim("event.deleted", _("Event deleted."))
NEW_MEETING_LINK: Final = _("From this event on, the online meeting has a new link.")
OCCURRENCES_RESET: Final = ngettext_lazy(
    "%(count)d changed occurrence was reset to match its series.",
    "%(count)d changed occurrences were reset to match their series.",
    "count",
)
CALENDAR_MISSING: Final = _("Choose a calendar.")

TOO_MANY_SEARCHES: Final = _("Too many searches. Wait a minute, then search again.")
SHARE_ENDED: Final = _("A colleague stopped sharing during the search. Search again.")
YOU: Final = _("You")
