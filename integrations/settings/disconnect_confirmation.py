"""The page that asks once before a disconnect: what is removed, by product, and what stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.http import HttpRequest

from integrations.access.request_context import Asked
from integrations.calendar import calendar_access
from integrations.calendar.calendar_access import Visible
from integrations.calendar.pages import named_calendars
from integrations.models import Connection, ConnectionStatus, Event, Integration, Message, Thread
from integrations.notifications import removal_facts
from integrations.notifications.removal_facts import Situation
from integrations.notifications.removal_messages import Statement, Subject, state
from integrations.providers import PROVIDERS
from integrations.providers.product_names import name_product
from integrations.web import row_counts

_TEMPLATE: Final = "settings/disconnect.html"


@dataclass(frozen=True, slots=True)
class Counts:
    """How much of each kind is removed; None of a product that is not."""

    messages: int | None
    threads: int | None
    calendars: int | None
    events: int | None
    shares: int


def render_confirmation(
    request: HttpRequest, asked: Asked, connection: Connection, removed: Sequence[Integration]
) -> bytes:
    """
    Return the page that asks before `removed`, live integrations of `connection`, are disconnected.

    It names calendars while their keys can be used. Without the keys it still counts them.
    """
    calendars = _calendars_of(asked, removed)
    return named_calendars.render_calendars(
        request,
        asked,
        calendars,
        _TEMPLATE,
        context=_describe(asked, connection, removed, calendars),
        nameable=calendars,
    )


def _calendars_of(asked: Asked, removed: Sequence[Integration]) -> list[Visible]:
    ids = {integration.id for integration in removed}
    own = calendar_access.own(actor=asked.actor, user_id=asked.user_id)
    return [one for one in own if one.calendar.integration_id in ids]


def _describe(
    asked: Asked,
    connection: Connection,
    removed: Sequence[Integration],
    calendars: Sequence[Visible],
) -> dict[str, Any]:
    situation = removal_facts.foresee(connection, removed)
    # Disconnecting everything of the account is another choice where something of it would stay.
    others = situation.subject.others
    return {
        "names": [name_product(connection.provider, one.product) for one in removed],
        "others": [name_product(connection.provider, one) for one in others],
        "provider": PROVIDERS[connection.provider],
        "connection_id": connection.id,
        "product": situation.subject.product,
        "needs_reconnect": connection.status == ConnectionStatus.REAUTH_REQUIRED,
        "counts": _count(removed, calendars, at=asked.at),
        "statements": _state_all(situation, removed),
        "pages": situation.pages,
    }


def _count(removed: Sequence[Integration], calendars: Sequence[Visible], *, at: datetime) -> Counts:
    has_calendars = any(integration.product == "calendar" for integration in removed)
    return Counts(
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


def _state_all(situation: Situation, removed: Sequence[Integration]) -> list[Statement]:
    each = [Subject(situation.subject.provider, one.product) for one in removed]
    said = [state("disconnect.unchanged-there", one) for one in each]
    said.append(state("disconnect.unreadable-at-once", situation.subject))
    receipt = "disconnect.receipt" if len(removed) == 1 else "disconnect.receipts"
    said += [*situation.state_plans(), state(receipt, situation.subject)]
    return [one for one in said if one is not None]
