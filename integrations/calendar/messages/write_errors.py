"""Messages for event writes that failed, each with the next step."""

from __future__ import annotations

from typing import Final

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from limited_use.policy.claims import claim

_TYPED_AGAIN: Final = claim(
    "form.typed-again", _("Nothing you typed is lost. Try again in a moment.")
)
NO_CALENDAR: Final = _("This calendar no longer exists. Choose another calendar.")
READ_ONLY: Final = _("This is a view-only calendar. Choose another calendar.")
NO_PERMISSION: Final = _(
    "Antares does not have permission to change this calendar. Grant permission in Settings, or"
    " choose another calendar."
)
ALWAYS_NOTIFIED: Final = claim(
    "form.guests-told",
    _(
        "The provider always emails the attendees about this change. Select the checkbox to email"
        " them, or cancel. Nothing was changed."
    ),
)
REJECTED: Final = _("The provider did not accept this event. Change the event, then save it again.")
SLOT_TAKEN: Final = _(
    "You are busy at this time, or your availability is unknown right now. Choose another time,"
    " or clear “Check I'm free before saving”."
)
KEY_REUSED: Final = _(
    "This form already created a different event. Save again to create this event too."
)
STALE: Final = claim(
    "form.stale",
    _(
        "This event was changed or deleted after you opened this page. The page now shows the"
        " current version. Your change was not made."
    ),
)
UNKNOWN_VERSION: Final = claim(
    "form.unknown-version",
    _("This page was out of date, so nothing was changed. Check the event, then try again."),
)
NO_OCCURRENCE: Final = _("The series no longer has an event at this time.")
NOT_ORGANIZER: Final = _("Only the organiser can change this. You can answer the invitation.")
NOT_INVITED: Final = _("You are not invited to this event, so you cannot answer.")
HALF_DONE: Final = claim(
    "form.half-done",
    _(
        "The new part of the series was started, but the provider has not confirmed that the old"
        " part ended. Save again to finish. No event is created twice."
    ),
)
TOO_MANY_WAITS: Final = format_lazy(
    "{} {}", _("Two of your other pages are waiting for a provider."), _TYPED_AGAIN
)
CALENDAR_FULL: Final = _("This calendar is full. Choose another calendar.")
NOT_LISTED: Final = format_lazy(
    "{} {}", _("The provider did not list your calendars in time."), _TYPED_AGAIN
)
DISCONNECTED: Final = _("This account was disconnected. Choose a calendar of another account.")
DAMAGED: Final = claim(
    "form.damaged",
    _("The stored copy of this event was altered and cannot be opened. We have been notified."),
)
OUTCOME_UNKNOWN: Final = claim(
    "form.outcome-unknown",
    _(
        "The provider did not confirm the change, so it may or may not have been made. Save again:"
        " this never creates a second event."
    ),
)
ACCESS_ENDED: Final = _(
    "Antares no longer has access to this account. Reconnect the account in Settings."
)
NO_RESPONSE: Final = format_lazy("{} {}", _("The provider is not responding."), _TYPED_AGAIN)
