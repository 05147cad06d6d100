"""The page that asks once before a disconnect: what is removed, by product, and what stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

import orjson
from django.db.models import Count
from django.http import HttpRequest

from integrations import removals
from integrations.asking import Asked
from integrations.calendars import catalogue, visible
from integrations.calendars.visible import Visible
from integrations.models import Connection, ConnectionStatus, Event, Integration, Message, Thread
from integrations.product_names import name_product
from integrations.providers import PROVIDERS
from integrations.removal_messages import Statement, Subject, state
from integrations.removals import Situation
from limited_use import shares
from limited_use.sinks import agenda as sink
from limited_use.sinks.agenda import Shown
from limited_use.sinks.rows import Permits, Row
from limited_use.vault.keyring import KeyStoreUnavailable
from limited_use.vault.records import Unopenable

_TEMPLATE: Final = "settings/disconnect.html"


@dataclass(frozen=True, slots=True)
class Counts:
    """How much of each kind is removed; None of a product that is not."""

    messages: int | None
    threads: int | None
    calendars: int | None
    events: int | None
    shares: int


@dataclass(frozen=True, slots=True)
class _CountsOfEach:
    """How many events and live shares each calendar has, by its id."""

    events: Mapping[UUID, int]
    shares: Mapping[UUID, int]


def render_confirmation(
    request: HttpRequest, asked: Asked, connection: Connection, removed: Sequence[Integration]
) -> bytes:
    """
    Return the page that asks before `removed`, live integrations of `connection`, are disconnected.

    It names calendars while their keys can be used. Without the keys it still counts them.
    """
    found = _calendars_of(asked, removed)
    context = _describe(asked, connection, removed, found)
    try:
        rows, permits = catalogue.named(asked, found)
        return _render(request, asked, rows, permits, context)
    except (KeyStoreUnavailable, Unopenable):
        return _render(request, asked, [Row(one, {}) for one in found], {}, context)


def _render(
    request: HttpRequest,
    asked: Asked,
    rows: Sequence[Row],
    permits: Permits,
    context: Mapping[str, Any],
) -> bytes:
    return sink.calendar_page(
        _TEMPLATE,
        rows,
        permits=permits,
        viewer=asked.actor,
        make=partial(_name_each, counts=_count_by_calendar(rows, at=asked.at)),
        context=context,
        under="calendars",
        request=request,
        at=asked.at,
    )


def _calendars_of(asked: Asked, removed: Sequence[Integration]) -> list[Visible]:
    ids = {integration.id for integration in removed}
    own = visible.own(actor=asked.actor, user_id=asked.user_id)
    return [one for one in own if one.calendar.integration_id in ids]


def _describe(
    asked: Asked,
    connection: Connection,
    removed: Sequence[Integration],
    found: Sequence[Visible],
) -> dict[str, Any]:
    situation = removals.foresee(connection, removed)
    # Disconnecting everything of the account is another choice where something of it would stay.
    others = situation.subject.others
    return {
        "names": [name_product(connection.provider, one.product) for one in removed],
        "others": [name_product(connection.provider, one) for one in others],
        "provider": PROVIDERS[connection.provider],
        "connection_id": connection.id,
        "product": situation.subject.product,
        "needs_reconnect": connection.status == ConnectionStatus.REAUTH_REQUIRED,
        "counts": _count(removed, found, at=asked.at),
        "statements": _state_all(situation, removed),
        "pages": situation.pages,
    }


def _count(removed: Sequence[Integration], found: Sequence[Visible], *, at: datetime) -> Counts:
    ids = {integration.product: integration.id for integration in removed}
    mail, calendar = ids.get("mail"), ids.get("calendar")
    calendar_ids = [one.calendar.id for one in found]
    return Counts(
        messages=_count_rows(Message, mail),
        threads=_count_rows(Thread, mail),
        calendars=None if calendar is None else len(calendar_ids),
        events=_count_rows(Event, calendar),
        shares=shares.live(at).filter(item__in=calendar_ids).count(),
    )


def _count_rows(model: type[Message | Thread | Event], holder: UUID | None) -> int | None:
    return None if holder is None else model.objects.filter(integration_id=holder).count()


def _state_all(situation: Situation, removed: Sequence[Integration]) -> list[Statement]:
    each = [Subject(situation.subject.provider, one.product) for one in removed]
    said = [state("disconnect.unchanged-there", one) for one in each]
    said.append(state("disconnect.unreadable-at-once", situation.subject))
    receipt = "disconnect.receipt" if len(removed) == 1 else "disconnect.receipts"
    said += [*situation.state_plans(), state(receipt, situation.subject)]
    return [one for one in said if one is not None]


def _count_by_calendar(rows: Sequence[Row], *, at: datetime) -> _CountsOfEach:
    ids = [row.row.calendar.id for row in rows]
    events = Event.objects.filter(calendar_id__in=ids).values_list("calendar_id")
    given = shares.live(at).filter(item__in=ids).values_list("item")
    return _CountsOfEach(
        events=dict(events.annotate(Count("id"))), shares=dict(given.annotate(Count("id")))
    )


def _name_each(opened: sink.Opened, *, counts: _CountsOfEach) -> list[Shown]:
    """Return each calendar as the page shows it. Called inside the sink."""
    return [
        Shown(
            {
                "is_named": "about" in values,
                "event_count": counts.events.get(seen.calendar.id, 0),
                "share_count": counts.shares.get(seen.calendar.id, 0),
            },
            {"name": orjson.loads(values["about"])["name"] if "about" in values else ""},
        )
        for seen, values in opened
    ]
