"""Whose mailboxes an actor may be shown, and what is true of each: in one query."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from accounts.actors import ActorKind
from integrations.access import facts
from integrations.access.facts import FoundFor
from integrations.access.request_context import Asked
from integrations.models import LIVE, OWNER_ONLY, IntegrationStatus

# Somebody who belongs to no organisation has no mailbox.
NOWHERE = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Mailboxes:
    """
    One person's mailboxes in one organisation.

    :param shown: connection by integration
    :param hidden: integrations whose rows are there and are not shown: they are being
        purged, or their grant ended and the actor is not their owner
    :param found: what their permits rest on
    """

    shown: dict[UUID, UUID]
    hidden: tuple[UUID, ...]
    found: FoundFor

    def by(self, connection_id: UUID) -> list[UUID]:
        """Return those that are shown of one connection."""
        return [one for one, by in self.shown.items() if by == connection_id]


def of(asked: Asked) -> Mailboxes:
    """Return the mailboxes of whom is asked about, in the actor's organisation."""
    actor = asked.actor
    found = facts.of_mailboxes(user_id=asked.user_id, actor=actor, at=asked.at)
    # The grant ended elsewhere: features stop at once, and only the owner still reads.
    kept = {status for status in LIVE if actor.kind == ActorKind.PERSON or status not in OWNER_ONLY}
    shown = _of(found, kept)
    if not shown and actor.kind == ActorKind.CLIENT:
        # Nothing to leave out others for: ask, so that the refusal is said and recorded.
        shown = _of(found, set(OWNER_ONLY))
    return Mailboxes(shown, tuple(one for one in found.of if one not in shown), found)


def _of(found: FoundFor, statuses: set[IntegrationStatus]) -> dict[UUID, UUID]:
    return {
        one: its.connection_id
        for one, its in found.of.items()
        if its.connection_id is not None and its.status in statuses
    }
