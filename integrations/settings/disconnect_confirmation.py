from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.contrib.humanize.templatetags.humanize import intcomma
from django.http import HttpRequest

from integrations.access.request_context import RequestContext
from integrations.calendar import calendar_access
from integrations.calendar.calendar_access import VisibleCalendar
from integrations.calendar.pages import named_calendars
from integrations.models import (
    Connection,
    ConnectionStatus,
    DriveFile,
    Event,
    Integration,
    Message,
    Thread,
)
from integrations.notifications import removal_facts
from integrations.notifications.removal_facts import RemovalSituation
from integrations.notifications.removal_messages import (
    RemovalStatement,
    join_names,
    make_statement,
)
from integrations.providers import PROVIDERS
from integrations.providers.product_names import PRODUCTS, name_product
from integrations.purge.messages import receipt as receipt_texts
from integrations.web import account_rows, row_counts

from . import purge_page
from .messages import purge as purge_texts

_TEMPLATE: Final = "settings/disconnect.html"


@dataclass(frozen=True, slots=True)
class RemovalCounts:
    """None for products that stay."""

    messages: int | None
    threads: int | None
    calendars: int | None
    events: int | None
    uploads: int | None
    shares: int

    @property
    def has_any(self) -> bool:
        return any((self.messages, self.threads, self.calendars, self.events, self.uploads))


def render_confirmation(
    request: HttpRequest,
    request_context: RequestContext,
    connection: Connection,
    removed: Sequence[Integration],
) -> bytes:
    """
    Calendar names are shown while their keys can be used, counts always.

    :param removed: live integrations of `connection`
    """
    removed = sorted(removed, key=lambda integration: PRODUCTS.index(integration.product))
    calendars = _list_calendars(request_context, removed)
    return named_calendars.render_calendars(
        request,
        request_context,
        calendars,
        _TEMPLATE,
        context=_get_context(request_context, connection, removed, calendars),
        nameable=calendars,
        accounts=account_rows.get_account_rows(
            connection, actor=request_context.actor, at=request_context.at
        ),
    )


def _list_calendars(
    request_context: RequestContext, removed: Sequence[Integration]
) -> list[VisibleCalendar]:
    ids = {integration.id for integration in removed}
    own = calendar_access.get_own_calendars(
        actor=request_context.actor, user_id=request_context.user_id
    )
    return [visible for visible in own if visible.calendar.integration_id in ids]


def _get_context(
    request_context: RequestContext,
    connection: Connection,
    removed: Sequence[Integration],
    calendars: Sequence[VisibleCalendar],
) -> dict[str, Any]:
    situation = removal_facts.predict_removal(connection, removed)
    # If other products of the account stay, offer to disconnect them too.
    others = situation.subject.others
    counts = _count_removed(removed, calendars, at=request_context.at)
    return {
        "removed_names": join_names(
            [name_product(connection.provider, integration.product) for integration in removed]
        ),
        "others": others,
        "other_names": join_names([name_product(connection.provider, product) for product in others]),
        "provider": PROVIDERS[connection.provider],
        "connection_id": connection.id,
        "product": situation.subject.product,
        "needs_reconnect": connection.status == ConnectionStatus.REAUTH_REQUIRED,
        "counts": counts,
        "removed_counts": _describe_counts(counts),
        "statements": _state_all(situation, removed),
        "pages": purge_page.list_revocation_pages(situation),
    }


def _count_removed(
    removed: Sequence[Integration], calendars: Sequence[VisibleCalendar], *, at: datetime
) -> RemovalCounts:
    has_calendars = any(integration.product == "calendar" for integration in removed)
    return RemovalCounts(
        messages=_count_rows(Message, removed, product="mail"),
        threads=_count_rows(Thread, removed, product="mail"),
        calendars=len(calendars) if has_calendars else None,
        events=_count_rows(Event, removed, product="calendar"),
        uploads=_count_rows(DriveFile, removed, product="drive"),
        shares=sum(row_counts.count_shares([row.calendar for row in calendars], at=at).values()),
    )


def _describe_counts(counts: RemovalCounts) -> str:
    """Return a text such as `2,000 messages in 1 conversation and 2 calendars with 5 events`."""
    texts = []
    if counts.messages is not None and counts.threads is not None:
        values = {"messages": counts.messages, "threads": counts.threads}
        texts.append(str(purge_texts.MAIL_COUNTS) % _format_counts(values))
    if counts.calendars is not None and counts.events is not None:
        values = {"calendars": counts.calendars, "events": counts.events}
        texts.append(str(purge_texts.CALENDAR_COUNTS) % _format_counts(values))
    if counts.uploads is not None:
        texts.append(str(purge_texts.DRIVE_COUNTS) % _format_counts({"uploads": counts.uploads}))
    return join_names(texts)


def _format_counts(counts: Mapping[str, int]) -> dict[str, str]:
    return {
        name: receipt_texts.format_count(name, count, intcomma(count))
        for name, count in counts.items()
    }


def _count_rows(
    model: type[Message | Thread | Event | DriveFile], removed: Sequence[Integration], *, product: str
) -> int | None:
    of_product = [integration for integration in removed if integration.product == product]
    if not of_product:
        return None
    return sum(row_counts.count_by_integration(model, of_product).values())


def _state_all(
    situation: RemovalSituation, removed: Sequence[Integration]
) -> list[RemovalStatement]:
    receipt = "disconnect.receipt" if len(removed) == 1 else "disconnect.receipts"
    products = {integration.product for integration in removed}
    has_drive, has_copy = "drive" in products, bool(products - {"drive"})
    claims = {
        "disconnect.unchanged-there": True,
        "disconnect.files-stay": has_drive,
        "disconnect.unreadable-at-once": has_copy,
        "disconnect.list-unreadable": has_drive,
        "disconnect.uploads-stop": has_drive,
    }
    statements = [
        *(make_statement(claim, situation.subject) for claim, is_true in claims.items() if is_true),
        *situation.state_plans(),
        make_statement(receipt, situation.subject),
    ]
    return [statement for statement in statements if statement is not None]
