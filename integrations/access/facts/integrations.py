"""What is true of integrations: of some by their ids, or of all mailboxes of a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.actors import Actor, ActorKind
from integrations.models import LIVE, OWNER_ONLY, ConnectionStatus
from limited_use.access_request import Fence, FenceKind
from limited_use.policy.features import FEATURES, Feature
from limited_use.policy.vocabulary import Fact

from .connections import make_connection
from .sql import by_id, fence, id_or_none, names, number, number_or_none, owns, rows
from .types import NOTHING, OF_INBOX, Agreement, Found, FoundFor

_COLUMNS = """
SELECT i.id, i.epoch, i.status, c.id, c.status, c.user_id, c.organisation_id,
       m.id, m.epoch, s.id, s.epoch, s.version, k.commitment,
       d.id, d.epoch, d.feature, d.feature_version, i.product, i.cache_hours, i.horizon_days"""
_TABLES = """
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
 WHERE """
_INTEGRATIONS = _COLUMNS + _TABLES
_BY_ID = _INTEGRATIONS + "i.id IN ({})"
# After `_COLUMNS`, those of the connection that `facts.connections` reads and `_COLUMNS` lacks.
_WITH_CONNECTION = (
    _COLUMNS
    + """, c.epoch, c.status = 'ending' OR EXISTS (SELECT FROM integrations_purgejob p
                 JOIN integrations_integration o ON o.id = p.integration_id
                WHERE o.connection_id = c.id AND p.step <> 'done'), c.grant_id"""
    + _TABLES
    + "i.id = %s"
)
# Of what was purged no row is left.
_MAILBOXES = (
    # A site of staff may not read the provider, and asks about one integration at a time.
    _COLUMNS
    + ", c.provider"
    + _TABLES
    + "c.user_id = %s AND c.organisation_id = %s AND i.product = 'mail' AND i.status <> 'purged'"
)


def of_integrations(
    ids: Sequence[UUID], *, actor: Actor, at: datetime, by: Agreement = OF_INBOX
) -> Mapping[UUID, Found]:
    """
    Return what is true of each integration, as far as it concerns `actor`.

    :param by: the agreement that counts as consent
    """
    feature = by.feature
    return by_id(_BY_ID, _asked(actor, by, at), ids, lambda row: _integration(row, actor, feature))


def of_agreements(
    wanted: Mapping[Agreement, Sequence[UUID]], *, actor: Actor, at: datetime
) -> Mapping[tuple[Agreement, UUID], Found]:
    """
    Return the same as `of_integrations` for integrations under different agreements, in one query.

    :param wanted: ids of integrations, by the agreement that counts as consent
    """
    agreements = [by for by, ids in wanted.items() if ids]
    parts, parameters = [], []
    for part, by in enumerate(agreements):
        places = ", ".join(["%s"] * len(wanted[by]))
        parts.append(f"SELECT {part}, found.* FROM ({_BY_ID.format(places)}) found")  # noqa: S608 - our own words
        parameters += [*_asked(actor, by, at), *wanted[by]]
    found = {(by, one): NOTHING for by in agreements for one in wanted[by]}
    for part, *row in rows(" UNION ALL ".join(parts), parameters) if parts else ():
        by = agreements[part]
        found[by, row[0]] = _integration(row, actor, by.feature)
    return found


def of_integration_and_connection(
    integration_id: UUID, *, actor: Actor, at: datetime, by: Agreement = OF_INBOX
) -> tuple[Found, Found]:
    """
    Return what `of_integrations` and `of_connections` find of an integration and its connection.

    In one query.
    """
    found = rows(_WITH_CONNECTION, [*_asked(actor, by, at), integration_id])
    if not found:
        return NOTHING, NOTHING
    *content, epoch, is_purging, grant_id = found[0]
    connection_id, *whose = content[3:9]
    of_connection = (connection_id, epoch, *whose, is_purging, grant_id, content[12])
    return _integration(content, actor, by.feature), make_connection(of_connection, actor)


def of_mailboxes(*, user_id: UUID, actor: Actor, at: datetime) -> FoundFor:
    """Return the same of every mailbox that person has in the actor's organisation."""
    whose = [user_id, actor.organisation_id]
    found = rows(_MAILBOXES, [*_asked(actor, OF_INBOX, at), *whose])
    feature = OF_INBOX.feature
    return FoundFor(actor, at, {row[0]: _integration(row, actor, feature) for row in found})


def _asked(actor: Actor, by: Agreement, at: datetime) -> list[Any]:
    return [by.feature.key, by.purpose, by.recipient, at, actor.delegation_id]


def _integration(row: Sequence[object], actor: Actor, feature: Feature) -> Found:
    (_, epoch, status, connection_id, grant, owner, organisation, *rest) = row
    membership, membership_epoch, consent, consent_epoch, agreed, *rest = rest
    ledger_key, delegation, (product, cache_hours, horizon_days, *provider) = (
        rest[0], rest[1:5], rest[5:],
    )  # fmt: skip
    facts: set[Fact] = set()
    fences: list[Fence] = []
    if status in LIVE:
        facts.add(Fact.INTEGRATION_LIVE)
    if grant == ConnectionStatus.ACTIVE and status not in OWNER_ONLY:
        facts.add(Fact.GRANT_LIVE)
    if owns(actor, owner, organisation, (membership, membership_epoch)):
        facts.add(Fact.ACTOR_OWNS)
        fences.append(fence(FenceKind.MEMBERSHIP, membership, membership_epoch))
    if agreed == feature.version:
        facts.add(Fact.CONSENT_CURRENT)
        fences.append(fence(FenceKind.CONSENT, consent, consent_epoch))
    if actor.kind == ActorKind.CLIENT:
        _delegated(actor, delegation, facts, fences)
    return Found(
        epoch=number(epoch),
        facts=frozenset(facts),
        fences=tuple(fences),
        owner_id=id_or_none(owner),
        connection_id=id_or_none(connection_id),
        names=names(connection_id, ledger_key),
        product=str(product),
        cache_hours=number_or_none(cache_hours),
        horizon_days=number_or_none(horizon_days),
        provider=str(provider[0]) if provider else "",
        status=str(status),
    )


def _delegated(
    actor: Actor, delegation: Sequence[object], facts: set[Fact], fences: list[Fence]
) -> None:
    delegation_id, epoch, feature, version = delegation
    if delegation_id is None or (feature, epoch) != (actor.feature, actor.delegation_epoch):
        return
    facts.add(Fact.DELEGATION_LIVE)
    fences.append(fence(FenceKind.DELEGATION, delegation_id, epoch))
    # They switched it on under other words than it has now: that is no current consent.
    declared = FEATURES.get(str(feature))
    if declared is None or declared.version != version:
        facts.discard(Fact.CONSENT_CURRENT)
