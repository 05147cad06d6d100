"""Mailboxes of a person that can receive notices: those that can send to themselves."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from accounts import display_times
from integrations.access import scopes
from integrations.models import ConnectionStatus, Integration
from integrations.providers import PROVIDERS
from integrations.providers.product_names import name_product

from . import messages

_SENDING = "mail.send"


@dataclass(frozen=True, slots=True)
class NoticeMailbox:
    """:param label: without its address, which is provider data"""

    integration_id: UUID
    label: str


def list_mailboxes(*, user_id: UUID, organisation_id: UUID) -> list[NoticeMailbox]:
    live = (
        Integration.objects.live()
        .owned_by(user_id, organisation_id)
        .filter(product="mail", connection__status=ConnectionStatus.ACTIVE)
        .select_related("connection")
        .order_by("id")
    )
    return [
        NoticeMailbox(integration.id, _make_label(integration))
        for integration in live
        if _SENDING
        in scopes.get_usable_capabilities(
            PROVIDERS[integration.connection.provider], integration.connection.granted_scopes
        )
    ]


def _make_label(integration: Integration) -> str:
    connection = integration.connection
    return str(messages.MAILBOX) % {
        "product": name_product(connection.provider, integration.product),
        "day": display_times.format_day(connection.connected_at),
    }
