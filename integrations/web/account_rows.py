"""The accounts that a page is about, for the sinks that show their addresses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.http import HttpRequest

from accounts.actors import Actor, get_actor
from integrations.access import permits
from integrations.models import Connection
from integrations.providers import PROVIDERS
from limited_use.sinks import page_sink
from limited_use.sinks.calendar_sink import AccountRows
from limited_use.sinks.sealed_rows import SealedRow
from limited_use.sinks.template_values import TemplateItem
from limited_use.vault.envelope import Unopenable
from limited_use.vault.keyring.keyring_port import KeyStoreUnavailable

ShowAccount = Callable[[Any, Mapping[str, bytes]], TemplateItem]


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
    shape: ShowAccount,
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


def render_account_page(
    request: HttpRequest,
    template: str,
    rows: AccountRows,
    *,
    context: Mapping[str, Any],
    at: datetime,
) -> bytes:
    """
    Return the page with its accounts as `accounts`.

    Addresses are left out if their keys cannot be used now: owners must still see the page.
    """
    try:
        return _render_rows(request, template, rows, context=context, at=at)
    except (KeyStoreUnavailable, Unopenable):
        return _render_rows(request, template, rows.without_addresses(), context=context, at=at)


def _render_rows(
    request: HttpRequest,
    template: str,
    rows: AccountRows,
    *,
    context: Mapping[str, Any],
    at: datetime,
) -> bytes:
    return page_sink.render_page(
        template,
        rows.rows,
        permits=rows.permits,
        actor=get_actor(request),
        shape=rows.shape,
        at=at,
        context=context,
        under="accounts",
        request=request,
    )


def show_address(_: Connection, opened: Mapping[str, bytes]) -> TemplateItem:
    """Called inside the sink."""
    return TemplateItem(
        {"has_address": "email" in opened}, {"email": opened.get("email", b"").decode()}
    )
