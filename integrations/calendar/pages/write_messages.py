"""Messages for failed event writes, each with the next step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from integrations.access.fences import DisconnectedError
from integrations.access.request_context import ObjectNotFound
from integrations.calendar import etags, local_events
from integrations.calendar.event_lookup import CalendarNotCurrent
from integrations.calendar.events import write_errors as event_errors
from integrations.coordination.person_slots import TooManyWaits
from integrations.providers import errors
from limited_use.policy.claims import claim
from limited_use.vault.envelope import Damaged, Unopenable

_AGAIN: Final = claim("form.typed-again", "Nothing you typed is lost: try again in a moment.")
# Messages by error.
_MESSAGES: Final[Mapping[type[Exception], str]] = {
    ObjectNotFound: "That calendar is not there any more. Choose another one.",
    event_errors.CalendarReadOnly: "That calendar may only be looked at. Choose another one.",
    event_errors.WritePermissionMissing: "Antares may only read that calendar. Allow it to "
    "change your calendar in Settings, or choose another one.",
    event_errors.GuestsAlwaysNotified: claim(
        "form.guests-told",
        "There the guests are told of it whether anybody wants that or not. Tick that they are"
        " told, or leave it. Nothing was written.",
    ),
    event_errors.EventRejected: "The provider does not take this event as it is. Change something.",
    event_errors.EventSlotTaken: "You are not free then, or nobody can tell just now. Choose"
    " another time, or make it all the same: untick that you have to be free.",
    event_errors.EventKeyReused: "This form made an event already, and it was another one. Send it "
    "again if you want this one as well.",
    etags.EventStale: claim(
        "form.stale",
        "It was changed meanwhile by somebody else, or it is gone. This is how it is now: nothing"
        " of yours was written.",
    ),
    etags.VersionMalformed: "This page is of no version that there was. This is how it is now.",
    event_errors.NoSuchOccurrence: "Its series does not happen at that time any more.",
    event_errors.NotEventOrganizer: "Only whoever organises it may change that. You can answer it.",
    event_errors.NotInvitedToEvent: "Nobody invited you to it: there is nothing to answer.",
    event_errors.SeriesSplitHalfDone: claim(
        "form.half-done",
        "What follows was begun anew, and nobody can tell yet whether the old series was ended."
        " Send it again: that finishes it, and makes nothing twice.",
    ),
    TooManyWaits: f"Two of your other pages wait for a provider. {_AGAIN}",
    local_events.LocalCalendarFull: "That calendar holds as much as it can. Choose another one.",
    CalendarNotCurrent: f"The provider did not say in time which calendars there are. {_AGAIN}",
    DisconnectedError: "That account was disconnected meanwhile. Choose another calendar.",
    Damaged: claim(
        "form.damaged",
        "What is kept of it here was changed, and does not open any more. We have been told.",
    ),
    Unopenable: "That account was disconnected meanwhile. Choose another calendar.",
    errors.OutcomeUnknown: claim(
        "form.outcome-unknown",
        "The provider took it and did not answer, so nobody can tell yet whether the event is"
        " there. Send it again: that makes no second one.",
    ),
    errors.GrantRevoked: "The access to that account ended. Reconnect it in Settings.",
    errors.ScopeMissing: "Antares may only read that calendar. Allow it to change your calendar "
    "in Settings, or choose another one.",
    errors.ProviderError: f"The provider is not answering now. {_AGAIN}",
}
EXPECTED_ERRORS: Final = tuple(_MESSAGES)


def get_write_error_status(error: Exception) -> int:
    return 429 if isinstance(error, TooManyWaits) else 409


def get_write_error_message(error: Exception) -> str:
    """:param error: one of `EXPECTED_ERRORS`"""
    return next(message for kind, message in _MESSAGES.items() if isinstance(error, kind))
