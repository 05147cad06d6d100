"""Rows of a question, and from their columns to what is found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import connection as database

from accounts.actors import Actor, ActorKind
from limited_use.access_request import Fence, FenceKind, Naming
from limited_use.ledger.pseudonyms import SERVICE, of_key

from .types import NOTHING, Found


def rows(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    with database.cursor() as cursor:
        cursor.execute(statement, parameters)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def by_id(
    statement: str,
    parameters: Sequence[Any],
    ids: Sequence[UUID],
    make: Callable[[tuple[Any, ...]], Found],
) -> Mapping[UUID, Found]:
    """
    Return what `make` finds in the row of each of `ids`; nothing, where there is none.

    :param statement: with `{}` where the placeholders of the ids go, which are its last
    """
    if not ids:
        return {}
    # A parameter for each, no array: one of unknown length PostgreSQL thinks so dear that it plans
    # the statement anew every time, which takes it longer than to run it.
    places = ", ".join(["%s"] * len(ids))
    found = {row[0]: make(row) for row in rows(statement.format(places), [*parameters, *ids])}
    return {one: found.get(one, NOTHING) for one in ids}


def names(connection_id: object, commitment: object) -> Naming:
    """Return what the ledger calls a connection with this key, and what hangs on it."""
    # The key is opened only where a name is made by it, which for somebody else's asking is never.
    if not isinstance(commitment, bytes | memoryview):
        return SERVICE
    return of_key(_uuid(connection_id), bytes(commitment))


def owns(
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


def fence(kind: FenceKind, fence_id: object, epoch: object) -> Fence:
    return Fence(kind, _uuid(fence_id), number(epoch))


def _uuid(value: object) -> UUID:
    if not isinstance(value, UUID):
        raise TypeError
    return value


def id_or_none(value: object) -> UUID | None:
    return value if isinstance(value, UUID) else None


def number(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError
    return value


def number_or_none(value: object) -> int | None:
    return None if value is None else number(value)
