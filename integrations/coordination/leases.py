"""
Leases: one worker at a time works on a row, until a time that it may extend.

A lease is two columns of the row: its holder and its end. After a worker's death it expires.
Every write names the lease, so a worker that lost it writes nothing: `renew`, `release` and
`delete_row` raise `LeaseLost`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Model, Q, QuerySet

M = TypeVar("M", bound=Model)

#: Prefix of the lease columns for a connection's token refresh.
REFRESH_PREFIX: Final = "refresh_"


class NotClaimable(Exception):
    """Another worker holds the row, or it is not due or not live. Do nothing."""


class LeaseLost(Exception):
    """The lease expired; another worker may hold the row. Drop unsaved results."""


@dataclass(frozen=True, slots=True)
class Lease:
    """
    :param duration: from the claim or a renewal to the end
    :param prefix: of the columns `lease_by` and `lease_until`
    :param holder: identifies this claim in the row
    """

    model: type[Model]
    row_id: UUID
    claimed_at: datetime
    duration: timedelta
    prefix: str = ""
    holder: UUID = field(default_factory=uuid4)


def match_unleased(at: datetime, *, prefix: str = "") -> Q:
    end_column = f"{prefix}lease_until"
    return Q(**{end_column: None}) | Q(**{f"{end_column}__lte": at})


def claim(
    row: Model,
    *,
    at: datetime,
    duration: timedelta,
    prefix: str = "",
    unchanged: Iterable[str] = (),
    **values: Any,
) -> Lease:
    """
    One statement leases `row`, which the caller has read.

    :param unchanged: columns that must still have the values of `row`
    :param values: saved with the lease
    :raises NotClaimable: also if one of these columns has changed
    """
    lease = Lease(type(row), row.pk, at, duration, prefix)
    expected = {name: getattr(row, name) for name in unchanged}
    free: QuerySet[Model] = QuerySet(lease.model).filter(
        match_unleased(at, prefix=prefix), id=lease.row_id, **expected
    )
    if not free.update(**_lease_columns(lease, at), **values):
        raise NotClaimable
    return lease


def claim_from(
    rows: QuerySet[M],
    row_id: UUID,
    *,
    at: datetime,
    duration: timedelta,
    prefix: str = "",
    **values: Any,
) -> tuple[Lease, M]:
    """
    Lease the row `row_id` if `rows` contains it. A locked row is skipped: another worker is
    claiming it.

    :param values: saved with the lease
    :raises NotClaimable:
    """
    with transaction.atomic(durable=True):
        free = rows.select_for_update(no_key=True, skip_locked=True, of=("self",))
        row = free.filter(id=row_id).first()
        if row is None:
            raise NotClaimable
        lease = claim(row, at=at, duration=duration, prefix=prefix, **values)
    for name, value in _lease_columns(lease, at).items():
        setattr(row, name, value)
    return lease, row


def renew(lease: Lease, *, at: datetime, **values: Any) -> None:
    """
    Save `values` of the row, too.

    In the transaction that writes the results, this stops a worker with an expired lease.
    """
    _update_row(lease, _lease_columns(lease, at) | values)


def release(lease: Lease, **values: Any) -> None:
    """Save `values`, such as the next due time."""
    _update_row(
        lease, {f"{lease.prefix}lease_by": None, f"{lease.prefix}lease_until": None, **values}
    )


def delete_row(lease: Lease) -> None:
    deleted_count, _ = held_row(lease).delete()
    if not deleted_count:
        raise LeaseLost


def held_row(lease: Lease) -> QuerySet[Any]:
    """Return an empty queryset once the lease is lost."""
    return QuerySet(lease.model).filter(
        **{"id": lease.row_id, f"{lease.prefix}lease_by": lease.holder}
    )


def _lease_columns(lease: Lease, at: datetime) -> dict[str, Any]:
    return {
        f"{lease.prefix}lease_by": lease.holder,
        f"{lease.prefix}lease_until": at + lease.duration,
    }


def _update_row(lease: Lease, values: dict[str, Any]) -> None:
    if not held_row(lease).update(**values):
        raise LeaseLost
