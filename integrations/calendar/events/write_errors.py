"""Reasons why an event was not written, by the actor's next step."""

from __future__ import annotations

from limited_use.guard.guard import AccessRefused


class CalendarReadOnly(Exception):
    """The calendar may be read, not written."""


class WritePermissionMissing(Exception):
    """The grant does not include writing. Offer to extend it in the settings."""


class NotEventOrganizer(Exception):
    """Only the organizer may make this change."""


class NotInvitedToEvent(Exception):
    """The actor is not a guest."""


class GuestsAlwaysNotified(Exception):
    """The provider always notifies guests. Ask whether they may be notified."""


class InvitationRefused(AccessRefused):
    """The policy refuses that the provider mails the guests. `message` is its sentence."""


class EventRejected(Exception):
    """The provider rejects the event, and would reject it again."""


class NoSuchOccurrence(Exception):
    """The series has no such occurrence, or no longer."""


class EventKeyReused(Exception):
    """The key created another event before."""


class EventSlotTaken(Exception):
    """A person is busy then, or has an unknown calendar."""


class SeriesSplitHalfDone(Exception):
    """
    The part that follows was created; the old series may not have ended. The same request
    finishes the edit, and creates nothing twice.
    """
