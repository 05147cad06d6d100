"""What stands in the way of writing an event, by what whoever wants it does next."""

from __future__ import annotations

from collections.abc import Iterable


class ReadOnly(Exception):
    """The calendar may be looked at, and not written. Choose another one."""


class PermissionMissing(Exception):
    """Writing was not allowed at the provider. Offer to allow it in settings; nothing was sent."""


class NotOrganizer(Exception):
    """Only whoever organises it may change that. Answer the invitation, or ask them."""


class NotInvited(Exception):
    """Nobody invited them to it: there is nothing to answer."""


class GuestsAreTold(Exception):
    """The provider tells guests of it, whoever asks not to. Ask whether they may be told."""


class RefusedThere(Exception):
    """The provider will not have it, and will say so again. Change what is asked for."""


class Stale(Exception):
    """
    It was changed meanwhile where it was to be changed, or deleted: show what is there now.

    `fields` are those of `versions.FIELDS` that both changed. What is there now can be read.
    Nothing was written.
    """

    def __init__(self, fields: Iterable[str] = ()) -> None:
        super().__init__("changed meanwhile")
        self.fields = tuple(sorted(fields))


class NoSuchOccurrence(Exception):
    """The series has no such occurrence, or no longer. Read it again."""


class KeyReused(Exception):
    """The key wrote another event before. Take a new one for each event."""


class Taken(Exception):
    """They are not free then, or nobody can tell. Ask whether they want it all the same."""


class HalfDone(Exception):
    """
    What follows was begun anew, and it is not known whether the old series was cut off.

    The same request again finishes it, and makes nothing twice.
    """
