"""Run the queries of this package, and convert their columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import connection as database

from accounts.actors import Actor, ActorKind
from limited_use.access_request import Fence, FenceKind, PseudonymNaming
from limited_use.ledger.pseudonyms import SERVICE_NAMING, get_naming_by_commitment

from .fact_types import NO_FACTS, HolderFacts


def fetch_rows(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    with database.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def fetch_facts_by_id(
    statement: str,
    parameters: Sequence[Any],
    ids: Sequence[UUID],
    make: Callable[[tuple[Any, ...]], HolderFacts],
) -> Mapping[UUID, HolderFacts]:
    """
    Return the facts of each id; `NO_FACTS` for an id without a row.

    :param statement: has `{}` for the placeholders of the ids, its last parameters
    """
    if not ids:
        return {}
    # One parameter per id, no array: PostgreSQL estimates an array of unknown length so high that
    # it plans the statement again each time, which takes longer than running it.
    placeholders = ", ".join(["%s"] * len(ids))
    facts_by_id = {
        row[0]: make(row) for row in fetch_rows(statement.format(placeholders), [*parameters, *ids])
    }
    return {holder_id: facts_by_id.get(holder_id, NO_FACTS) for holder_id in ids}


def get_naming(connection_id: object, commitment: object) -> PseudonymNaming:
    """The ledger key is opened only to make a name: a lookup of a foreign connection opens none."""
    if not isinstance(commitment, bytes | memoryview):
        return SERVICE_NAMING
    return get_naming_by_commitment(_to_uuid(connection_id), bytes(commitment))


def is_owner(
    actor: Actor, owner: object, organisation: object, membership: tuple[object, object]
) -> bool:
    """Ownership ends with the membership of the row's organisation."""
    if (actor.user_id, actor.organisation_id) != (owner, organisation) or membership[0] is None:
        return False
    # A client acts under a delegation, which ends with the membership.
    return actor.kind == ActorKind.CLIENT or membership == (
        actor.membership_id,
        actor.membership_epoch,
    )


def make_fence(kind: FenceKind, fence_id: object, epoch: object) -> Fence:
    return Fence(kind, _to_uuid(fence_id), to_int(epoch))


def _to_uuid(value: object) -> UUID:
    if not isinstance(value, UUID):
        raise TypeError
    return value


def to_uuid_or_none(value: object) -> UUID | None:
    return value if isinstance(value, UUID) else None


def to_int(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError
    return value


def to_int_or_none(value: object) -> int | None:
    return None if value is None else to_int(value)
