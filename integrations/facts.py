"""
Facts about integrations and connections, found by ids in one query each.

Written in SQL because it stands before the first byte of every page: what it
asks is one index lookup per table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection as database

from accounts.actors import Actor, ActorKind
from integrations.models import LIVE, OWNER_ONLY, ConnectionStatus
from limited_use.features import FEATURES, Feature
from limited_use.guard import Fence, FenceKind
from limited_use.ledger.names import SERVICE, Naming, of_key
from limited_use.vocabulary import Fact, Purpose, Recipient

_INTEGRATIONS = """
SELECT i.id, i.epoch, i.status, c.id, c.status, c.user_id, c.organisation_id,
       m.id, m.epoch, s.id, s.epoch, s.version, k.commitment,
       d.id, d.epoch, d.feature, d.feature_version, i.product
  FROM integrations_integration i
  JOIN integrations_connection c ON c.id = i.connection_id
  LEFT JOIN limited_use_ledgerkey k ON k.holder = c.id AND k.destroyed_at IS NULL
  LEFT JOIN accounts_membership m
    ON m.user_id = c.user_id AND m.organisation_id = c.organisation_id AND m.left_at IS NULL
  LEFT JOIN LATERAL (
       SELECT id, epoch, version FROM limited_use_consent
        WHERE owner_id = c.user_id AND organisation_id = c.organisation_id AND feature = %s
          AND purpose IN ('', %s) AND recipient IN ('', %s) AND item IS NULL
          AND withdrawn_at IS NULL AND (expires_at IS NULL OR expires_at > %s)
        ORDER BY version DESC, id LIMIT 1) s ON TRUE
  LEFT JOIN accounts_delegation d
    ON d.id = %s AND d.switched_off_at IS NULL
   AND d.user_id = c.user_id AND d.organisation_id = c.organisation_id
 WHERE i.id IN ({})
"""

_CONNECTIONS = """
SELECT c.id, c.epoch, c.status, c.user_id, c.organisation_id, m.id, m.epoch,
       c.status = 'ending' OR EXISTS (SELECT FROM integrations_purgejob p
                 JOIN integrations_integration i ON i.id = p.integration_id
                WHERE i.connection_id = c.id AND p.step <> 'done'),
       c.grant_id, k.commitment
  FROM integrations_connection c
  LEFT JOIN limited_use_ledgerkey k ON k.holder = c.id AND k.destroyed_at IS NULL
  LEFT JOIN accounts_membership m
    ON m.user_id = c.user_id AND m.organisation_id = c.organisation_id AND m.left_at IS NULL
 WHERE c.id IN ({})
"""


@dataclass(frozen=True, slots=True)
class Found:
    """What was found of one holder. Nothing at all, if it does not exist."""

    epoch: int = 0
    facts: frozenset[Fact] = frozenset()
    fences: tuple[Fence, ...] = ()
    owner_id: UUID | None = None
    connection_id: UUID | None = None
    # Whose key seals the connection's refresh token.
    grant_id: UUID | None = None
    # Of an integration: which of the account's it is.
    product: str = ""
    # What the ledger calls it.
    names: Naming = SERVICE


NOTHING = Found()


@dataclass(frozen=True, slots=True)
class Agreement:
    """Which agreement of the owner's a use rests on: to a feature of the service itself."""

    key: str
    purpose: Purpose
    recipient: Recipient = Recipient.OWNER

    @property
    def feature(self) -> Feature:
        """The feature as it is declared now."""
        return FEATURES[self.key]


OF_INBOX = Agreement("inbox", Purpose.INBOX_DISPLAY)
OF_CALENDAR = Agreement("calendar", Purpose.CALENDAR_SCHEDULE)
OF_EDITING = Agreement("calendar-editing", Purpose.CALENDAR_SCHEDULE)
OF_SHARING = Agreement("calendar-sharing", Purpose.CALENDAR_SHARE, Recipient.REGISTERED_USER)
#: What a copy of each product is kept by.
KEPT_BY: Mapping[str, Agreement] = {"mail": OF_INBOX, "calendar": OF_CALENDAR}


def of_integrations(
    ids: Sequence[UUID], *, actor: Actor, at: datetime, by: Agreement = OF_INBOX
) -> Mapping[UUID, Found]:
    """
    Return what is true of each integration, as far as it concerns `actor`.

    :param by: the agreement that counts as consent
    """
    agreement: list[Any] = [by.feature.key, by.purpose, by.recipient, at]
    rows = _rows(_INTEGRATIONS, [*agreement, actor.delegation_id], ids)
    return _complete(ids, {row[0]: _integration(row, actor, by.feature) for row in rows})


def of_connections(ids: Sequence[UUID], *, actor: Actor) -> Mapping[UUID, Found]:
    """Return what is true of each connection, as far as it concerns `actor`."""
    rows = _rows(_CONNECTIONS, [], ids)
    return _complete(ids, {row[0]: _connection(row, actor) for row in rows})


def _rows(statement: str, parameters: Sequence[Any], ids: Sequence[UUID]) -> list[tuple[Any, ...]]:
    if not ids:
        return []
    # A parameter for each, no array: one of unknown length PostgreSQL thinks so dear that it plans
    # the statement anew every time, which takes it longer than to run it.
    places = ", ".join(["%s"] * len(ids))
    with database.cursor() as cursor:
        cursor.execute(statement.format(places), [*parameters, *ids])
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def _complete(ids: Iterable[UUID], found: Mapping[UUID, Found]) -> Mapping[UUID, Found]:
    return {one: found.get(one, NOTHING) for one in ids}


def _integration(row: Sequence[object], actor: Actor, feature: Feature) -> Found:
    (_, epoch, status, connection_id, grant, owner, organisation, *rest) = row
    membership, membership_epoch, consent, consent_epoch, agreed, *rest = rest
    ledger_key, delegation, product = rest[0], rest[1:5], rest[5]
    facts: set[Fact] = set()
    fences: list[Fence] = []
    if status in LIVE:
        facts.add(Fact.INTEGRATION_LIVE)
    if grant == ConnectionStatus.ACTIVE and status not in OWNER_ONLY:
        facts.add(Fact.GRANT_LIVE)
    if _owns(actor, owner, organisation, (membership, membership_epoch)):
        facts.add(Fact.ACTOR_OWNS)
        fences.append(_fence(FenceKind.MEMBERSHIP, membership, membership_epoch))
    if agreed == feature.version:
        facts.add(Fact.CONSENT_CURRENT)
        fences.append(_fence(FenceKind.CONSENT, consent, consent_epoch))
    if actor.kind == ActorKind.CLIENT:
        _delegated(actor, delegation, facts, fences)
    return Found(
        epoch=_number(epoch),
        facts=frozenset(facts),
        fences=tuple(fences),
        owner_id=_id(owner),
        connection_id=_id(connection_id),
        names=_names(connection_id, ledger_key),
        product=str(product),
    )


def _delegated(
    actor: Actor, delegation: Sequence[object], facts: set[Fact], fences: list[Fence]
) -> None:
    delegation_id, epoch, feature, version = delegation
    if delegation_id is None or (feature, epoch) != (actor.feature, actor.delegation_epoch):
        return
    facts.add(Fact.DELEGATION_LIVE)
    fences.append(_fence(FenceKind.DELEGATION, delegation_id, epoch))
    # They switched it on under other words than it has now: that is no current consent.
    declared = FEATURES.get(str(feature))
    if declared is None or declared.version != version:
        facts.discard(Fact.CONSENT_CURRENT)


def _connection(row: Sequence[object], actor: Actor) -> Found:
    (connection_id, epoch, status, owner, organisation, *rest) = row
    membership, membership_epoch, purging, grant, ledger_key = rest
    facts: set[Fact] = set()
    fences: tuple[Fence, ...] = ()
    if status in {ConnectionStatus.ACTIVE, ConnectionStatus.REAUTH_REQUIRED}:
        facts.add(Fact.CONNECTION_LIVE)
    if status == ConnectionStatus.ACTIVE:
        facts.add(Fact.GRANT_LIVE)
    if status == ConnectionStatus.REAUTH_REQUIRED:
        facts.add(Fact.GRANT_ENDED)
    if purging:
        facts.add(Fact.PURGE_RUNNING)
    if _owns(actor, owner, organisation, (membership, membership_epoch)):
        facts.add(Fact.ACTOR_OWNS)
        fences = (_fence(FenceKind.MEMBERSHIP, membership, membership_epoch),)
    return Found(
        epoch=_number(epoch),
        facts=frozenset(facts),
        fences=fences,
        owner_id=_id(owner),
        connection_id=_id(connection_id),
        grant_id=_id(grant),
        names=_names(connection_id, ledger_key),
    )


def _names(connection_id: object, commitment: object) -> Naming:
    # The key is opened only where a name is made by it, which for somebody else's asking is never.
    if not isinstance(commitment, bytes | memoryview):
        return SERVICE
    return of_key(_uuid(connection_id), bytes(commitment))


def _owns(
    actor: Actor, owner: object, organisation: object, membership: tuple[object, object]
) -> bool:
    """Return whether the actor's person owns it, and still belongs to where it is."""
    if (actor.user_id, actor.organisation_id) != (owner, organisation) or membership[0] is None:
        return False
    # A client acts under a delegation, which ends with the membership it came from.
    return actor.kind == ActorKind.CLIENT or membership == (
        actor.membership_id,
        actor.membership_epoch,
    )


def _fence(kind: FenceKind, fence_id: object, epoch: object) -> Fence:
    return Fence(kind, _uuid(fence_id), _number(epoch))


def _uuid(value: object) -> UUID:
    if not isinstance(value, UUID):
        raise TypeError
    return value


def _id(value: object) -> UUID | None:
    return value if isinstance(value, UUID) else None


def _number(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError
    return value
