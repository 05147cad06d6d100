"""The message and the status of each failed event write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext

from integrations.access.fences import DisconnectedError
from integrations.access.request_context import ObjectNotFound
from integrations.calendar import etags, local_events
from integrations.calendar.event_lookup import CalendarNotCurrent
from integrations.calendar.events import write_errors as event_errors
from integrations.calendar.messages import write_errors as messages
from integrations.coordination.person_slots import TooManyWaits
from integrations.providers import errors
from limited_use.vault.envelope import Damaged, Unopenable

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

# Subclasses before their base classes.
_MESSAGES: Final[Mapping[type[Exception], StrOrPromise]] = {
    ObjectNotFound: messages.NO_CALENDAR,
    event_errors.CalendarReadOnly: messages.READ_ONLY,
    event_errors.WritePermissionMissing: messages.NO_PERMISSION,
    event_errors.GuestsAlwaysNotified: messages.ALWAYS_NOTIFIED,
    event_errors.EventRejected: messages.REJECTED,
    event_errors.EventSlotTaken: messages.SLOT_TAKEN,
    event_errors.EventKeyReused: messages.KEY_REUSED,
    etags.EventStale: messages.STALE,
    etags.VersionMalformed: messages.UNKNOWN_VERSION,
    event_errors.NoSuchOccurrence: messages.NO_OCCURRENCE,
    event_errors.NotEventOrganizer: messages.NOT_ORGANIZER,
    event_errors.NotInvitedToEvent: messages.NOT_INVITED,
    event_errors.SeriesSplitHalfDone: messages.HALF_DONE,
    TooManyWaits: messages.TOO_MANY_WAITS,
    local_events.LocalCalendarFull: messages.CALENDAR_FULL,
    CalendarNotCurrent: messages.NOT_LISTED,
    DisconnectedError: messages.DISCONNECTED,
    Damaged: messages.DAMAGED,
    Unopenable: messages.DISCONNECTED,
    errors.OutcomeUnknown: messages.OUTCOME_UNKNOWN,
    errors.GrantRevoked: messages.ACCESS_ENDED,
    errors.ScopeMissing: messages.NO_PERMISSION,
    errors.ProviderError: messages.NO_RESPONSE,
}
EXPECTED_ERRORS: Final[tuple[type[Exception], ...]] = (*_MESSAGES, event_errors.InvitationRefused)


def get_write_error_status(error: Exception) -> int:
    if isinstance(error, event_errors.InvitationRefused):
        return 403
    return 429 if isinstance(error, TooManyWaits) else 409


def get_write_error_message(error: Exception) -> str:
    """:param error: one of `EXPECTED_ERRORS`"""
    if isinstance(error, event_errors.InvitationRefused):
        return gettext(error.message)
    return str(next(message for kind, message in _MESSAGES.items() if isinstance(error, kind)))
