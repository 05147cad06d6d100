"""
Leases: one worker at a time works on a row, until a time that the worker may extend.

A lease is two columns of the row: its holder and its end. A worker that dies lets its lease
expire, and another worker claims the row. Every write names the lease, so a worker that lost it
writes nothing.
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
    """Another worker holds the row, it is not due, or it is no longer live. Do nothing."""


class LeaseLost(Exception):
    """The lease expired, and another worker may hold the row. Drop all unsaved results."""


@dataclass(frozen=True, slots=True)
class Lease:
    """
    The right of one worker to work on one row.

    :param duration: from the claim, and from each renewal, to the end
    :param prefix: of the columns `lease_by` and `lease_until` in this table
    :param holder: identifies this claim in the row
    """

    model: type[Model]
    row_id: UUID
    claimed_at: datetime
    duration: timedelta
    prefix: str = ""
    holder: UUID = field(default_factory=uuid4)


def match_unleased(at: datetime, *, prefix: str = "") -> Q:
    """Match rows without a lease, or with an expired one."""
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
    Lease a row that the caller has read, with one statement.

    :param unchanged: columns that must still have the values of `row`
    :param values: saved with the lease
    :raises NotClaimable: if another worker holds the row, or one of these columns has changed
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
    Lease the row `row_id` if `rows` contains it, and return the lease and the row.

    A locked row is skipped: another worker is claiming it.

    :param values: saved with the lease
    :raises NotClaimable: if `rows` lacks the row, or a transaction has locked it
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
    Extend the lease, and save `values` of the row.

    In the transaction that writes the worker's results, this stops a worker with an expired lease.

    :raises LeaseLost: if the worker no longer holds the row
    """
    _update_row(lease, _lease_columns(lease, at) | values)


def release(lease: Lease, **values: Any) -> None:
    """
    Give the row back, and save `values` of it: for example, when it is due again.

    :raises LeaseLost: if the worker no longer holds the row
    """
    _update_row(
        lease, {f"{lease.prefix}lease_by": None, f"{lease.prefix}lease_until": None, **values}
    )


def delete_row(lease: Lease) -> None:
    """
    Delete the row.

    :raises LeaseLost: if the worker no longer holds the row
    """
    deleted_count, _ = held_row(lease).delete()
    if not deleted_count:
        raise LeaseLost


def held_row(lease: Lease) -> QuerySet[Any]:
    """Return a queryset of the row; it is empty once the lease is lost."""
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
