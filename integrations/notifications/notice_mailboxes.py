"""Mailboxes that can receive notices: from themselves, with their owner's agreement."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from integrations.access import facts, scopes
from integrations.models import FETCHABLE, ConnectionStatus, Integration
from integrations.providers import PROVIDERS

_SENDING: Final = "mail.send"


def list_able_mailboxes(*, user_id: UUID, organisation_id: UUID) -> list[Integration]:
    """Return the person's mailboxes that can send. Before the first notice, they have to agree."""
    own = Integration.objects.owned_by(user_id, organisation_id).filter(product="mail")
    candidates = own.select_related("connection").order_by("id")
    return [integration for integration in candidates if _can_send(integration)]


def can_receive_notices(integration_id: UUID, *, at: datetime) -> bool:
    """Return whether the mailbox can send, and its owner agrees to notices in it."""
    integration = Integration.objects.select_related("connection").get(id=integration_id)
    connection = integration.connection
    return _can_send(integration) and facts.is_mailbox_agreed(
        user_id=connection.user_id, organisation_id=connection.organisation_id, at=at
    )


def _can_send(integration: Integration) -> bool:
    connection = integration.connection
    return (
        integration.status in FETCHABLE
        and connection.status == ConnectionStatus.ACTIVE
        and _SENDING
        in scopes.get_usable_capabilities(PROVIDERS[connection.provider], connection.granted_scopes)
    )
