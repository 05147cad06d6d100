"""Mailboxes of a person that can receive notices: those that can send to themselves."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from accounts import display_times
from integrations.models import Integration
from integrations.notifications import notice_mailboxes
from integrations.providers.product_names import name_product

from . import messages


@dataclass(frozen=True, slots=True)
class NoticeMailbox:
    """:param label: without its address, which is provider data"""

    integration_id: UUID
    label: str


def list_mailboxes(*, user_id: UUID, organisation_id: UUID) -> list[NoticeMailbox]:
    return [
        NoticeMailbox(integration.id, _make_label(integration))
        for integration in notice_mailboxes.list_able_mailboxes(
            user_id=user_id, organisation_id=organisation_id
        )
    ]


def _make_label(integration: Integration) -> str:
    connection = integration.connection
    return str(messages.MAILBOX) % {
        "product": name_product(connection.provider, integration.product),
        "day": display_times.format_day(connection.connected_at),
    }
