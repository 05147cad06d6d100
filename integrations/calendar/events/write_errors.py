"""Reasons why an event was not written, by the actor's next step."""

from __future__ import annotations


class CalendarReadOnly(Exception):
    """The calendar may be read."""


class WritePermissionMissing(Exception):
    """Offer to extend the grant in the settings."""


class NotEventOrganizer(Exception):
    """Only the organizer may do this."""


class NotInvitedToEvent(Exception):
    """The actor is no guest."""


class GuestsAlwaysNotified(Exception):
    """The provider always notifies guests: ask first."""


class EventRejected(Exception):
    """The provider would reject it again."""


class NoSuchOccurrence(Exception):
    """The series has no such occurrence, or no longer."""


class EventKeyReused(Exception):
    """The key created another event before."""


class EventSlotTaken(Exception):
    """A person is busy, or has an unknown calendar."""


class SeriesSplitHalfDone(Exception):
    """
    The following part exists; the old series may not have ended. The same request finishes the
    edit, and creates nothing twice.
    """
