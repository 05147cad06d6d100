from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http import HttpRequest

from accounts.actors import get_actor
from integrations.models import Connection
from integrations.web import account_rows
from limited_use.sinks import page_sink
from limited_use.sinks.calendar_sink import AccountRows
from limited_use.vault.envelope import Unopenable
from limited_use.vault.keyring.keyring_port import KeyStoreUnavailable


def render_account_page(
    request: HttpRequest,
    template: str,
    connection: Connection,
    *,
    context: Mapping[str, Any],
    at: datetime,
) -> bytes:
    """Name the account, unless its key cannot be used now: owners must still see the page."""
    rows = account_rows.get_account_rows(connection, actor=get_actor(request), at=at)
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
