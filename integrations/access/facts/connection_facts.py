from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from accounts.actors import Actor
from integrations.models import ConnectionStatus
from limited_use.access_request import Fence, FenceKind
from limited_use.policy.policy_vocabulary import Fact

from .fact_queries import (
    fetch_facts_by_id,
    get_naming,
    is_owner,
    make_fence,
    to_int,
    to_uuid_or_none,
)
from .fact_types import HolderFacts

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


def for_connections(ids: Sequence[UUID], *, actor: Actor) -> Mapping[UUID, HolderFacts]:
    return fetch_facts_by_id(_CONNECTIONS, [], ids, lambda row: read_connection_row(row, actor))


def read_connection_row(row: Sequence[object], actor: Actor) -> HolderFacts:
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
    if is_owner(actor, owner, organisation, (membership, membership_epoch)):
        facts.add(Fact.ACTOR_OWNS)
        fences = (make_fence(FenceKind.MEMBERSHIP, membership, membership_epoch),)
    return HolderFacts(
        epoch=to_int(epoch),
        facts=frozenset(facts),
        fences=fences,
        owner_id=to_uuid_or_none(owner),
        connection_id=to_uuid_or_none(connection_id),
        grant_id=to_uuid_or_none(grant),
        names=get_naming(connection_id, ledger_key),
    )
