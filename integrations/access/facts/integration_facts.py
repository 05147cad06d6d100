"""Facts about integrations: by id, or all mailboxes of a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.actors import Actor, ActorKind
from integrations.models import LIVE, OWNER_ONLY, ConnectionStatus
from limited_use.access_request import Fence, FenceKind
from limited_use.policy.feature_registry import FEATURES, Feature
from limited_use.policy.policy_vocabulary import Fact

from .connection_facts import read_connection_row
from .fact_queries import (
    fetch_facts_by_id,
    fetch_rows,
    get_naming,
    is_owner,
    make_fence,
    to_int,
    to_int_or_none,
    to_uuid_or_none,
)
from .fact_types import INBOX_CONSENT, NO_FACTS, FactsSnapshot, HolderFacts, RequiredConsent

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
# Adds the columns of the connection that `connection_facts` reads and `_COLUMNS` lacks.
_WITH_CONNECTION = (
    _COLUMNS
    + """, c.epoch, c.status = 'ending' OR EXISTS (SELECT FROM integrations_purgejob p
                 JOIN integrations_integration o ON o.id = p.integration_id
                WHERE o.connection_id = c.id AND p.step <> 'done'), c.grant_id"""
    + _TABLES
    + "i.id = %s"
)
# No row is left of a purged mailbox.
_MAILBOXES = (
    # Staff sites may not read the provider, and ask about one integration at a time.
    _COLUMNS
    + ", c.provider"
    + _TABLES
    + "c.user_id = %s AND c.organisation_id = %s AND i.product = 'mail' AND i.status <> 'purged'"
)


def for_integrations(
    ids: Sequence[UUID], *, actor: Actor, at: datetime, consent: RequiredConsent = INBOX_CONSENT
) -> Mapping[UUID, HolderFacts]:
    """:param consent: the agreement that counts as consent"""
    feature = consent.declared_feature
    return fetch_facts_by_id(
        _BY_ID,
        _list_consent_parameters(actor, consent, at),
        ids,
        lambda row: _read_integration_row(row, actor, feature),
    )


def for_required_consents(
    ids_by_consent: Mapping[RequiredConsent, Sequence[UUID]], *, actor: Actor, at: datetime
) -> Mapping[tuple[RequiredConsent, UUID], HolderFacts]:
    """Return facts under different agreements, with one query."""
    consents = [consent for consent, ids in ids_by_consent.items() if ids]
    parts, parameters = [], []
    for part, consent in enumerate(consents):
        placeholders = ", ".join(["%s"] * len(ids_by_consent[consent]))
        parts.append(f"SELECT {part}, found.* FROM ({_BY_ID.format(placeholders)}) found")  # noqa: S608 - our own words
        parameters += [*_list_consent_parameters(actor, consent, at), *ids_by_consent[consent]]
    facts_by_consent = {
        (consent, integration_id): NO_FACTS
        for consent in consents
        for integration_id in ids_by_consent[consent]
    }
    for part, *row in fetch_rows(" UNION ALL ".join(parts), parameters) if parts else ():
        consent = consents[part]
        facts_by_consent[consent, row[0]] = _read_integration_row(
            row, actor, consent.declared_feature
        )
    return facts_by_consent


def for_integration_and_connection(
    integration_id: UUID, *, actor: Actor, at: datetime, consent: RequiredConsent = INBOX_CONSENT
) -> tuple[HolderFacts, HolderFacts]:
    found_rows = fetch_rows(
        _WITH_CONNECTION, [*_list_consent_parameters(actor, consent, at), integration_id]
    )
    if not found_rows:
        return NO_FACTS, NO_FACTS
    *content, epoch, is_purging, grant_id = found_rows[0]
    connection_id, *owner_columns = content[3:9]
    connection_row = (connection_id, epoch, *owner_columns, is_purging, grant_id, content[12])
    return _read_integration_row(content, actor, consent.declared_feature), read_connection_row(
        connection_row, actor
    )


def for_mailboxes(*, user_id: UUID, actor: Actor, at: datetime) -> FactsSnapshot:
    owner_ids = [user_id, actor.organisation_id]
    found_rows = fetch_rows(
        _MAILBOXES, [*_list_consent_parameters(actor, INBOX_CONSENT, at), *owner_ids]
    )
    feature = INBOX_CONSENT.declared_feature
    return FactsSnapshot(
        actor, at, {row[0]: _read_integration_row(row, actor, feature) for row in found_rows}
    )


def _list_consent_parameters(actor: Actor, consent: RequiredConsent, at: datetime) -> list[Any]:
    return [
        consent.declared_feature.key,
        consent.purpose,
        consent.recipient,
        at,
        actor.delegation_id,
    ]


def _read_integration_row(row: Sequence[object], actor: Actor, feature: Feature) -> HolderFacts:
    (_, epoch, status, connection_id, grant, owner, organisation, *rest) = row
    membership, membership_epoch, consent, consent_epoch, consented_version, *rest = rest
    ledger_key, delegation, (product, cache_hours, horizon_days, *provider) = (
        rest[0], rest[1:5], rest[5:],
    )  # fmt: skip
    facts: set[Fact] = set()
    fences: list[Fence] = []
    if status in LIVE:
        facts.add(Fact.INTEGRATION_LIVE)
    if grant == ConnectionStatus.ACTIVE and status not in OWNER_ONLY:
        facts.add(Fact.GRANT_LIVE)
    if is_owner(actor, owner, organisation, (membership, membership_epoch)):
        facts.add(Fact.ACTOR_OWNS)
        fences.append(make_fence(FenceKind.MEMBERSHIP, membership, membership_epoch))
    if consented_version == feature.version:
        facts.add(Fact.CONSENT_CURRENT)
        fences.append(make_fence(FenceKind.CONSENT, consent, consent_epoch))
    if actor.kind == ActorKind.CLIENT:
        _add_delegation(actor, delegation, facts, fences)
    return HolderFacts(
        epoch=to_int(epoch),
        facts=frozenset(facts),
        fences=tuple(fences),
        owner_id=to_uuid_or_none(owner),
        connection_id=to_uuid_or_none(connection_id),
        names=get_naming(connection_id, ledger_key),
        product=str(product),
        cache_hours=to_int_or_none(cache_hours),
        horizon_days=to_int_or_none(horizon_days),
        provider=str(provider[0]) if provider else "",
        status=str(status),
    )


def _add_delegation(
    actor: Actor, delegation: Sequence[object], facts: set[Fact], fences: list[Fence]
) -> None:
    delegation_id, epoch, feature, version = delegation
    if delegation_id is None or (feature, epoch) != (actor.feature, actor.delegation_epoch):
        return
    facts.add(Fact.DELEGATION_LIVE)
    fences.append(make_fence(FenceKind.DELEGATION, delegation_id, epoch))
    # Consent to other words than the feature has now is not current.
    declared = FEATURES.get(str(feature))
    if declared is None or declared.version != version:
        facts.discard(Fact.CONSENT_CURRENT)
