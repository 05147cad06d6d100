"""
Order an act for a person whom the agent found.

A staff process writes only the order, with its ledger entry. `act_runner` carries it out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from accounts import alarms
from accounts.actors import Actor
from accounts.ids import uuid7
from accounts.roles import Role
from integrations.access import scopes
from integrations.access.request_context import get_owner_ids
from integrations.coordination.task_queue import enqueue_on_commit
from integrations.models import (
    MAX_TEXT,
    OWNER_ONLY,
    REVOCATIONS,
    Connection,
    ConnectionStatus,
    Integration,
    SupportAct,
    SupportActKind,
    SupportActState,
    SupportLookup,
    SupportReason,
)
from integrations.providers import PROVIDERS
from integrations.providers.local import LOCAL
from limited_use.ledger import entries
from limited_use.models import Receipt

from . import act_rows, lookups, signed_orders
from .effect import SupportEffect, count_effect

#: More single disconnects by one agent on one day raise an alarm.
USUAL_REVOCATIONS_PER_DAY: Final = 20
LISTED_FOR: Final = timedelta(days=30)
MAX_LISTED: Final = 20
#: Acts that concern mail alone.
_MAIL_ONLY: Final = (SupportActKind.RETRY_QUARANTINED,)


class UnknownObject(Exception):
    """The look-up is not open, or the object is not of the found person or has ended."""


class LocalCalendars(Exception):
    """Support never removes or changes calendars that are stored only in Antares."""


class ReconnectFirst(Exception):
    """The owner has to reconnect the account before anything can be fetched."""


class ActInvalid(Exception):
    """A disconnect needs a text and a ticket; the ticket is malformed; or the text is too long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActTarget:
    """What an act is about: exactly the id that its kind needs; none for a whole person."""

    kind: SupportActKind
    connection_id: UUID | None = None
    integration_id: UUID | None = None
    receipt_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActOrder:
    """
    :param text: about the case, as the person reads it
    :param ticket: the number of the case in the ticket system
    """

    target: ActTarget
    reason: SupportReason
    text: str = ""
    ticket: str = ""


def get_effect(target: ActTarget, *, lookup: SupportLookup) -> SupportEffect:
    """
    Return what the act would change, counted now.

    :raises UnknownObject:
    :raises LocalCalendars:
    :raises ReconnectFirst:
    """
    integrations = list_target_integrations(target, lookup=lookup)
    return count_target_effect(target, integrations, lookup=lookup)


def count_target_effect(
    target: ActTarget, integrations: Sequence[Integration], *, lookup: SupportLookup
) -> SupportEffect:
    """:param integrations: from `list_target_integrations`"""
    empty_count = 0
    if lookup.user_id is not None:
        empty_count = _find_empty_connections(target, lookup.user_id).count()
    return count_effect(target.kind, integrations, empty_count=empty_count)


def order_act(
    order: ActOrder, *, lookup_id: UUID, actor: Actor, at: datetime
) -> tuple[SupportAct, bool]:
    """
    Return the act, and whether it is new: while the same act waits, it is not ordered again.

    :raises UnknownObject:
    :raises LocalCalendars:
    :raises ReconnectFirst:
    :raises ActInvalid:
    """
    lookup = lookups.get_open_lookup(lookup_id, actor=actor, at=at)
    if lookup is None or lookup.user_id is None:
        raise UnknownObject
    text, ticket = order.text.strip(), order.ticket.strip()
    _check_words(order, text, ticket)
    effect = get_effect(order.target, lookup=lookup)
    agent_id, _ = get_owner_ids(actor)
    target = order.target
    act = SupportAct(
        id=uuid7(),
        agent_id=agent_id,
        kind=target.kind,
        lookup=lookup,
        user_id=lookup.user_id,
        connection_id=target.connection_id,
        integration_id=target.integration_id,
        receipt_id=target.receipt_id,
        reason=order.reason,
        text=text,
        ticket=ticket,
        effect=effect.to_json(),
        asked_at=at,
        next_try_at=at,
    )
    try:
        with transaction.atomic(durable=True):
            act.signature = signed_orders.sign_act(act)
            act.save(force_insert=True)
            entries.record_ledger_event(
                event="support.act_ordered",
                about=act.id,
                body={"kind": str(act.kind), "reason": str(act.reason), "role": str(Role.SUPPORT)},
                at=at,
                by=agent_id,
            )
            if target.kind in act_rows.PURGE_KINDS:
                enqueue_on_commit("integrations.run_support_revocation", act_id=act.id)
            else:
                enqueue_on_commit("integrations.run_support_maintenance", act_id=act.id)
    except IntegrityError:
        waiting = _find_waiting_act(act)
        if waiting is None:
            raise
        return waiting, False
    _watch_revocations(act, at=at)
    return act, True


def list_target_integrations(target: ActTarget, *, lookup: SupportLookup) -> list[Integration]:
    """See `get_effect`."""
    owner_id = lookup.user_id
    if owner_id is None:
        raise UnknownObject
    if target.kind == SupportActKind.SEND_RECEIPT_LINK:
        if not _has_receipt(target, owner_id):
            raise UnknownObject
        return []
    live = Integration.objects.live().filter(connection__user_id=owner_id)
    # A staff process reads no other columns of connections.
    integrations = (
        live.filter(_match_target(target))
        .select_related("connection")
        .only(
            *("connection_id", "product", "status", "connection__user_id"),
            *("connection__organisation_id", "connection__provider", "connection__connected_at"),
        )
    )
    rows = list(integrations.order_by("connection_id", "id"))
    remote = [row for row in rows if PROVIDERS[row.connection.provider].grants]
    if not remote:
        if _find_empty_connections(target, owner_id).exists():
            return []
        raise LocalCalendars if rows else UnknownObject
    if target.kind in _MAIL_ONLY and remote[0].product != "mail":
        raise UnknownObject
    if target.kind not in REVOCATIONS and remote[0].product in scopes.UNCOPIED_PRODUCTS:
        # Nothing is fetched from it, and it has no subscription.
        raise UnknownObject
    if target.kind not in REVOCATIONS and remote[0].status in OWNER_ONLY:
        raise ReconnectFirst
    return remote


def get_act(act_id: UUID) -> SupportAct | None:
    """Return an own act, or one for a person whom the agent found; None for any other."""
    # Row security shows an agent no other acts.
    return SupportAct.objects.filter(id=act_id).first()


def list_own_acts(*, actor: Actor, at: datetime) -> list[SupportAct]:
    """Return the agent's acts of the last 30 days, without those in bulk, newest first."""
    agent_id, _ = get_owner_ids(actor)
    own = SupportAct.objects.filter(agent_id=agent_id, bulk=None, asked_at__gt=at - LISTED_FOR)
    return list(own.order_by("-asked_at", "-id")[:MAX_LISTED])


def _find_empty_connections(target: ActTarget, owner_id: UUID) -> QuerySet[Connection]:
    """Return the accounts that are connected without a product: their grants can be revoked."""
    if target.kind not in {SupportActKind.REVOKE_CONNECTION, SupportActKind.REVOKE_PERSON}:
        return Connection.objects.none()
    live = Connection.objects.live().filter(user_id=owner_id).exclude(provider=LOCAL.key)
    products = Integration.objects.live().filter(connection__user_id=owner_id)
    live = live.exclude(status=ConnectionStatus.ENDING)
    live = live.exclude(id__in=products.values("connection_id"))
    if target.connection_id is not None:
        live = live.filter(id=target.connection_id)
    return live


def _has_receipt(target: ActTarget, owner_id: UUID) -> bool:
    if target.receipt_id is None:
        return False
    return Receipt.objects.filter(id=target.receipt_id, owner_id=owner_id).exists()


def _match_target(target: ActTarget) -> Q:
    match target.kind:
        case SupportActKind.REVOKE_PERSON:
            return Q()
        case SupportActKind.REVOKE_CONNECTION:
            return Q(connection_id=target.connection_id)
        case _:
            return Q(id=target.integration_id)


def _check_words(order: ActOrder, text: str, ticket: str) -> None:
    if len(text) > MAX_TEXT or "\0" in text or (ticket and not lookups.is_ticket(ticket)):
        raise ActInvalid
    if order.target.kind in REVOCATIONS and not (text and ticket):
        raise ActInvalid


def _find_waiting_act(act: SupportAct) -> SupportAct | None:
    same: Sequence[str] = ("lookup_id", "kind", "connection_id", "integration_id", "receipt_id")
    waiting = SupportAct.objects.filter(state=SupportActState.WAITING, bulk=None)
    return waiting.filter(**{name: getattr(act, name) for name in same}).first()


def _watch_revocations(act: SupportAct, *, at: datetime) -> None:
    if act.kind not in REVOCATIONS:
        return
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    on_day = SupportAct.objects.filter(
        agent_id=act.agent_id, kind__in=REVOCATIONS, bulk=None,
        asked_at__gte=day, asked_at__lt=day + timedelta(days=1),
    )  # fmt: skip
    count = on_day.count()
    if count > USUAL_REVOCATIONS_PER_DAY:
        alarms.raise_alarm(
            kind="support.unusual",
            about=act.agent_id,
            window=f"revocations {day:%Y-%m-%d}",
            body={"revocations": count},
            at=at,
        )
