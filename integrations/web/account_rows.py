"""The accounts that a page is about, for the sinks that show their addresses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from accounts.actors import Actor
from integrations.access import permits
from integrations.models import Connection
from integrations.providers import PROVIDERS
from limited_use.sinks.calendar_sink import AccountRows
from limited_use.sinks.sealed_rows import SealedRow
from limited_use.sinks.template_values import TemplateItem
from limited_use.vault.keyring.keyring_port import KeyStoreUnavailable


def get_account_rows(connection: Connection, *, actor: Actor, at: datetime) -> AccountRows:
    """Return the account of `connection`; Antares calendars have none."""
    is_account = PROVIDERS[connection.provider].grants
    return list_account_rows(
        [(connection, connection)] if is_account else [], actor=actor, shape=show_address, at=at
    )


def list_account_rows(
    rows: Sequence[tuple[Any, Connection]],
    *,
    actor: Actor,
    shape: Callable[[Any, Mapping[str, bytes]], TemplateItem],
    at: datetime,
) -> AccountRows:
    """
    Leave the addresses out while the key store does not respond: the page is shown without them.

    :param rows: what `shape` is given, each with its connection
    """
    sealed = [SealedRow(row, {"email": connection.email}) for row, connection in rows]
    connection_ids = [connection.id for _, connection in rows]
    try:
        account_permits = permits.to_show_accounts(
            actor=actor, connection_ids=connection_ids, at=at
        )
    except KeyStoreUnavailable:
        # The ledger needs it, too.
        return AccountRows(sealed, {}, shape).without_addresses()
    return AccountRows(sealed, account_permits, shape)


def show_address(_: Connection, opened: Mapping[str, bytes]) -> TemplateItem:
    """Called inside the sink."""
    return TemplateItem(
        {"has_address": "email" in opened}, {"email": opened.get("email", b"").decode()}
    )
