from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.http import HttpRequest

from integrations.access.request_context import RequestContext
from integrations.calendar import calendar_access
from integrations.calendar.calendar_access import VisibleCalendar
from integrations.calendar.pages import named_calendars
from integrations.models import Connection, ConnectionStatus, Event, Integration, Message, Thread
from integrations.notifications import removal_facts
from integrations.notifications.removal_facts import RemovalSituation
from integrations.notifications.removal_messages import (
    RemovalStatement,
    RemovalSubject,
    make_statement,
)
from integrations.providers import PROVIDERS
from integrations.providers.product_names import name_product
from integrations.web import row_counts

_TEMPLATE: Final = "settings/disconnect.html"


@dataclass(frozen=True, slots=True)
class RemovalCounts:
    """None for products that stay."""

    messages: int | None
    threads: int | None
    calendars: int | None
    events: int | None
    shares: int


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
    calendars = _list_calendars(request_context, removed)
    return named_calendars.render_calendars(
        request,
        request_context,
        calendars,
        _TEMPLATE,
        context=_get_context(request_context, connection, removed, calendars),
        nameable=calendars,
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
    return {
        "names": [
            name_product(connection.provider, integration.product) for integration in removed
        ],
        "others": [name_product(connection.provider, product) for product in others],
        "provider": PROVIDERS[connection.provider],
        "connection_id": connection.id,
        "product": situation.subject.product,
        "needs_reconnect": connection.status == ConnectionStatus.REAUTH_REQUIRED,
        "counts": _count_removed(removed, calendars, at=request_context.at),
        "statements": _state_all(situation, removed),
        "pages": situation.revocation_pages,
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
        shares=sum(row_counts.count_shares([row.calendar for row in calendars], at=at).values()),
    )


def _count_rows(
    model: type[Message | Thread | Event], removed: Sequence[Integration], *, product: str
) -> int | None:
    of_product = [integration for integration in removed if integration.product == product]
    if not of_product:
        return None
    return sum(row_counts.count_by_integration(model, of_product).values())


def _state_all(
    situation: RemovalSituation, removed: Sequence[Integration]
) -> list[RemovalStatement]:
    subjects = [
        RemovalSubject(situation.subject.provider, integration.product) for integration in removed
    ]
    statements = [make_statement("disconnect.unchanged-there", subject) for subject in subjects]
    statements.append(make_statement("disconnect.unreadable-at-once", situation.subject))
    receipt = "disconnect.receipt" if len(removed) == 1 else "disconnect.receipts"
    statements += [*situation.state_plans(), make_statement(receipt, situation.subject)]
    return [statement for statement in statements if statement is not None]
