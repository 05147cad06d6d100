"""Reasons why an event was not written, by the actor's next step."""

from __future__ import annotations


class CalendarReadOnly(Exception):
    """The calendar may be read, not written. Choose another calendar."""


class WritePermissionMissing(Exception):
    """The grant does not include writing. Offer to extend it in the settings; nothing was sent."""


class NotOrganizer(Exception):
    """Only the organizer may make this change. Answer the invitation, or ask the organizer."""


class NotInvited(Exception):
    """The actor is not a guest: there is no invitation to answer."""


class GuestsAlwaysNotified(Exception):
    """The provider always notifies guests. Ask whether they may be notified."""


class EventRejected(Exception):
    """The provider rejects the event, and would reject it again. Change the request."""


class NoSuchOccurrence(Exception):
    """The series has no such occurrence, or no longer. Read the series again."""


class EventKeyReused(Exception):
    """The key created another event before. Use a new key for each event."""


class SlotTaken(Exception):
    """A person is busy then, or has an unknown calendar. Ask whether to create the event anyway."""


class SeriesHalfDone(Exception):
    """
    The part that follows was created, and the old series may or may not have ended.

    The same request again finishes the edit, and creates nothing twice.
    """
