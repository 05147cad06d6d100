"""The mailboxes that an actor may see, and their facts, in one query."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from accounts.actors import ActorKind
from integrations.access import facts
from integrations.access.facts import FactsSnapshot
from integrations.access.request_context import RequestContext
from integrations.models import LIVE, OWNER_ONLY, IntegrationStatus

# A person without an organisation has no mailbox.
NO_ORGANISATION = UUID(int=0)


@dataclass(frozen=True, slots=True)
class VisibleMailboxes:
    """
    One person's mailboxes in one organisation.

    :param connection_ids: by visible integration
    :param hidden: in a purge, or their grant ended and the actor is not the owner; with stored
        rows
    :param mailbox_facts: the basis of their permits
    """

    connection_ids: dict[UUID, UUID]
    hidden: tuple[UUID, ...]
    mailbox_facts: FactsSnapshot

    def get_integration_ids(self, connection_id: UUID) -> list[UUID]:
        return [
            integration_id
            for integration_id, mailbox_connection_id in self.connection_ids.items()
            if mailbox_connection_id == connection_id
        ]


def find_visible_mailboxes(context: RequestContext) -> VisibleMailboxes:
    actor = context.actor
    mailbox_facts = facts.for_mailboxes(user_id=context.user_id, actor=actor, at=context.at)
    # After the grant ended at the provider, features stop at once and only the owner still reads.
    statuses = {
        status for status in LIVE if actor.kind == ActorKind.PERSON or status not in OWNER_ONLY
    }
    connection_ids = _select_by_status(mailbox_facts, statuses)
    if not connection_ids and actor.kind == ActorKind.CLIENT:
        # No other mailbox is visible: include these, so that the refusal is reported and recorded.
        connection_ids = _select_by_status(mailbox_facts, set(OWNER_ONLY))
    return VisibleMailboxes(
        connection_ids,
        tuple(
            integration_id
            for integration_id in mailbox_facts.by_integration
            if integration_id not in connection_ids
        ),
        mailbox_facts,
    )


def _select_by_status(
    mailbox_facts: FactsSnapshot, statuses: set[IntegrationStatus]
) -> dict[UUID, UUID]:
    return {
        integration_id: mailbox.connection_id
        for integration_id, mailbox in mailbox_facts.by_integration.items()
        if mailbox.connection_id is not None and mailbox.status in statuses
    }
