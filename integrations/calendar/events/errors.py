"""Why an event was not written, by what the actor can do next."""

from __future__ import annotations


class ReadOnly(Exception):
    """The calendar may be read, and not written. Choose another calendar."""


class PermissionMissing(Exception):
    """The account did not allow writing. Offer to allow it in settings; nothing was sent."""


class NotOrganizer(Exception):
    """Only the organizer may change that. Answer the invitation, or ask the organizer."""


class NotInvited(Exception):
    """Nobody invited the actor: there is no invitation to answer."""


class GuestsAreTold(Exception):
    """The provider always notifies guests. Ask whether they may be notified."""


class RefusedThere(Exception):
    """The provider rejects the event, and would reject it again. Change the request."""


class NoSuchOccurrence(Exception):
    """The series has no such occurrence, or no longer. Read the series again."""


class KeyReused(Exception):
    """The key created another event before. Use a new key for each event."""


class Taken(Exception):
    """Somebody is busy then, or their calendar is unknown. Ask whether to create it anyway."""


class HalfDone(Exception):
    """
    The part that follows was created, and the old series may or may not have been cut off.

    The same request again finishes the edit, and creates nothing twice.
    """
