"""The part of a mailbox's details page about sending: time to undo, and signature."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from accounts.actors import Actor
from integrations.access import sending_permits
from integrations.mail.sending import composed_message, send_message, sending_settings
from integrations.models import Connection, Integration
from integrations.providers import PROVIDERS
from integrations.web import account_rows
from limited_use.policy.policy_vocabulary import DataClass
from limited_use.sinks.calendar_sink import AccountRows
from limited_use.sinks.sealed_rows import SealedRow
from limited_use.sinks.template_values import TemplateItem


def describe_section(mailbox: Integration) -> dict[str, Any]:
    """Return values in clear."""
    limits = PROVIDERS[mailbox.connection.provider].outgoing_mail
    return {
        "sends_mail": limits is not None,
        "is_sending_allowed": send_message.is_sending_allowed(mailbox),
        "has_provider_signature": limits is not None and limits.has_signatures,
        "undo_choices": composed_message.UNDO_CHOICES,
        "undo_seconds": sending_settings.get_undo_seconds(mailbox),
        "max_signature": sending_settings.MAX_SIGNATURE,
    }


def get_account_rows(mailbox: Integration, *, actor: Actor, at: datetime) -> AccountRows:
    """Return the account with the mailbox's signature."""
    connection = mailbox.connection
    rows = account_rows.get_account_rows(connection, actor=actor, at=at)
    settings = sending_settings.find_sending_settings(mailbox)
    if settings is None or settings.signature is None or not rows.permits:
        return AccountRows(rows.rows, rows.permits, _show_account)
    granted = sending_permits.to_read_outbox(
        actor=actor,
        counts={mailbox.id: 1},
        data_classes=(DataClass.MAIL_CONTENT,),
        at=at,
    )
    sealed = [
        SealedRow(row.row, {**row.sealed, "signature": settings.signature}) for row in rows.rows
    ]
    return AccountRows(sealed, {**rows.permits, **granted}, _show_account)


def _show_account(connection: Connection, opened: Mapping[str, bytes]) -> TemplateItem:
    """Called inside the sink."""
    item = account_rows.show_address(connection, opened)
    signature = opened.get("signature", b"").decode()
    return TemplateItem(item.clear, {**item.opened, "signature": signature})
