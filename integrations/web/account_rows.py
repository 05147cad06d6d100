"""The account that a page is about, for the sinks that show its address."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from accounts.actors import Actor
from integrations.access import permits
from integrations.models import Connection
from integrations.providers import PROVIDERS
from limited_use.sinks.calendar_sink import AccountRows
from limited_use.sinks.sealed_rows import SealedRow
from limited_use.sinks.template_values import TemplateItem
from limited_use.vault.keyring.keyring_port import KeyStoreUnavailable


def get_account_rows(connection: Connection, *, actor: Actor, at: datetime) -> AccountRows:
    """
    Return the account of `connection`, without its address while the key store does not respond.

    Antares calendars have none.
    """
    if not PROVIDERS[connection.provider].grants:
        return AccountRows([], {}, show_address)
    rows = [SealedRow(connection, {"email": connection.email})]
    try:
        account_permits = permits.to_show_accounts(
            actor=actor, connection_ids=[connection.id], at=at
        )
    except KeyStoreUnavailable:
        # The ledger needs it, too.
        return AccountRows(rows, {}, show_address).without_addresses()
    return AccountRows(rows, account_permits, show_address)


def show_address(_: Connection, opened: Mapping[str, bytes]) -> TemplateItem:
    """Called inside the sink."""
    return TemplateItem(
        {"has_address": "email" in opened}, {"email": opened.get("email", b"").decode()}
    )
