"""Whose mailboxes an actor may be shown: by ids and states, in one query."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import connection as database

from accounts.actors import Actor, ActorKind
from integrations.models import LIVE, OWNER_ONLY

# Of what was purged no row is left. In SQL because it stands before every page.
_MAILBOXES = """
SELECT i.id, i.connection_id, i.status
  FROM integrations_integration i
  JOIN integrations_connection c ON c.id = i.connection_id
 WHERE c.user_id = %s AND c.organisation_id = %s AND i.product = 'mail' AND i.status <> 'purged'
"""
# Somebody who belongs to no organisation has no mailbox.
NOWHERE = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Mailboxes:
    """
    One person's mailboxes in one organisation.

    :param shown: connection by integration
    :param hidden: integrations whose rows are there and are not shown: they are being
        purged, or their grant ended and the actor is not their owner
    """

    shown: dict[UUID, UUID]
    hidden: tuple[UUID, ...]

    def by(self, connection_id: UUID) -> list[UUID]:
        """Return those that are shown of one connection."""
        return [one for one, by in self.shown.items() if by == connection_id]


def of(actor: Actor, *, user_id: UUID) -> Mailboxes:
    """Return the mailboxes of that person in the actor's organisation."""
    with database.cursor() as cursor:
        cursor.execute(_MAILBOXES, [user_id, actor.organisation_id or NOWHERE])
        found = cursor.fetchall()
    # The grant ended elsewhere: features stop at once, and only the owner still reads.
    kept = {status for status in LIVE if actor.kind == ActorKind.PERSON or status not in OWNER_ONLY}
    shown = {one: connection for one, connection, status in found if status in kept}
    if not shown and actor.kind == ActorKind.CLIENT:
        # Nothing to leave out others for: ask, so that the refusal is said and recorded.
        shown = {one: connection for one, connection, status in found if status in OWNER_ONLY}
    return Mailboxes(shown, tuple(one for one, *_ in found if one not in shown))
