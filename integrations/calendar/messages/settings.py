"""Words and results on the settings pages of calendars."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from limited_use.policy.claims import claim

EVENT_COUNT: Final = ngettext_lazy("%(count)d event", "%(count)d events", "count")

CALENDAR_CREATED: Final = _("Calendar created. Add events, or import a file.")
CALENDAR_SAVED: Final = _("Changes saved.")
CALENDAR_TERMS_CHANGED: Final = _(
    "The description of Antares calendars has changed. Read it again, then agree."
)
TOO_MANY_CALENDARS: Final = _(
    "You have %(count)s Antares calendars, which is the most. Remove one first."
)
CALENDAR_STALE: Final = claim(
    "local-calendar.changed",
    _(
        "This calendar was changed after you opened this page. Its current name is shown above."
        " Your changes were not saved. Save again to replace the current values."
    ),
)
NOTHING_REMOVED: Final = claim(
    "local-remove.nothing",
    _("This calendar was changed after you opened the page. Nothing was removed."),
)
CALENDAR_REMOVED: Final = claim("local-remove.done", _("Calendar removed, with %(events)s."))
BAD_COLOUR: Final = _("Enter a colour such as #1a73e8.")

NO_FILE: Final = _("Choose a file first.")
TOO_MANY_FILES: Final = _("Too many files. Wait an hour, then try again.")
NOTHING_IMPORTED: Final = claim(
    "import.nothing-taken",
    _("Nothing was imported. Correct the file as listed below, or choose another file."),
)
IMPORT_BUSY: Final = claim(
    "import.busy",
    _("Other files are being imported right now. Nothing was imported. Try again in a minute."),
)
TOO_MANY_EVENTS: Final = _("A calendar can have at most %(most)s events.")
CHANGED_DURING_IMPORT: Final = _("This calendar changed during the import. Try again.")
IMPORTED: Final = _("Events: %(changes)s.")
ADDED: Final = _("%(count)s added")
REPLACED: Final = _("%(count)s replaced")
CANCELLED: Final = _("%(count)s removed")
NONE_IN_FILE: Final = _("none in this file")
LEFT_OUT: Final = _("Not imported, because Antares does not support it: %(parts)s.")

COPIES_DELETED: Final = claim("erase.done", _("Copy deleted: %(events)s."))
REFRESHING: Final = _("Refreshing your calendars.")
UNKNOWN_DURATION: Final = _("Choose a duration from the list.")
HOURS_SAVED: Final = claim(
    "calendars.older-deleted", _("Saved. Older copies are deleted within a minute.")
)

TICK_TO_AGREE: Final = _("Tick this box to continue.")

SHARED: Final = _(
    "Saved. If a person in your organisation has this address, they can see the calendar now."
)
SHARING_STOPPED: Final = claim(
    "sharing.over", _("Sharing stopped. This share no longer shows the calendar.")
)
TOO_MANY_SHARES: Final = _("Too many addresses. Wait an hour, then try again.")
DAY_IN_PAST: Final = _("Choose today or a later day, or leave this empty.")
SHARING_TERMS_CHANGED: Final = _(
    "The description of sharing has changed. Read it again, then agree."
)
END_OF_DAY: Final = _("End of %(day)s")
