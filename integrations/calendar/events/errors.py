"""Why an event was not written, by what the actor can do next."""

from __future__ import annotations


class CalendarReadOnly(Exception):
    """The calendar may be read, and not written. Choose another calendar."""


class WritePermissionMissing(Exception):
    """The account did not allow writing. Offer to allow it in settings; nothing was sent."""


class NotOrganizer(Exception):
    """Only the organizer may change that. Answer the invitation, or ask the organizer."""


class NotInvited(Exception):
    """Nobody invited the actor: there is no invitation to answer."""


class GuestsAlwaysNotified(Exception):
    """The provider always notifies guests. Ask whether they may be notified."""


class EventRejected(Exception):
    """The provider rejects the event, and would reject it again. Change the request."""


class NoSuchOccurrence(Exception):
    """The series has no such occurrence, or no longer. Read the series again."""


class EventKeyReused(Exception):
    """The key created another event before. Use a new key for each event."""


class SlotTaken(Exception):
    """Somebody is busy then, or their calendar is unknown. Ask whether to create it anyway."""


class SeriesHalfDone(Exception):
    """
    The part that follows was created, and the old series may or may not have been cut off.

    The same request again finishes the edit, and creates nothing twice.
    """
