"""
The receipts of a bulk revocation, for staff.

Rows of acts and purges name the people concerned, so row security hides them from staff. Database
functions (``migrations/sql/bulk_revocations.sql``) show ids of receipts, products and times only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import orjson
from django.db import connection as database

from integrations.formats import csv_rows

PAGE: Final = 50
_CHUNK: Final = 1000
_FIRST: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class BulkReceipt:
    receipt_id: UUID
    product: str
    written_at: datetime


@dataclass(frozen=True, slots=True)
class PurgeCounts:
    """How many purges a bulk revocation began, and how many of them have their receipt."""

    begun: int
    receipts: int


def list_receipts(
    bulk_id: UUID, *, beyond: UUID | None = None, at_most: int = PAGE
) -> list[BulkReceipt]:
    """:param beyond: the last receipt of the page before"""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT receipt, product, written_at FROM list_bulk_receipts(%s, %s, %s)",
            [bulk_id, beyond or _FIRST, at_most],
        )
        return [BulkReceipt(*row) for row in cursor.fetchall()]


def count_purges(bulk_id: UUID) -> PurgeCounts:
    with database.cursor() as cursor:
        cursor.execute("SELECT purges, receipts FROM count_bulk_purges(%s)", [bulk_id])
        return PurgeCounts(*cursor.fetchone())


def find_staff_names(bulk_id: UUID) -> dict[UUID, str]:
    """Return the names of the members of staff who proposed, decided and stopped it, by id."""
    with database.cursor() as cursor:
        cursor.execute("SELECT person, name FROM find_bulk_staff(%s)", [bulk_id])
        return dict(cursor.fetchall())


def write_csv(bulk_id: UUID) -> bytes:
    rows = (
        csv_rows.format_row((receipt.receipt_id, receipt.product, receipt.written_at.isoformat()))
        for receipt in _iterate_receipts(bulk_id)
    )
    return csv_rows.format_row(("receipt", "product", "written_at")) + b"".join(rows)


def write_json(bulk_id: UUID) -> bytes:
    rows = [
        {
            "receipt": str(receipt.receipt_id),
            "product": receipt.product,
            "written_at": receipt.written_at.isoformat(),
        }
        for receipt in _iterate_receipts(bulk_id)
    ]
    return orjson.dumps({"bulk_revocation": str(bulk_id), "receipts": rows})


def _iterate_receipts(bulk_id: UUID) -> Iterator[BulkReceipt]:
    last_id = None
    while receipts := list_receipts(bulk_id, beyond=last_id, at_most=_CHUNK):
        yield from receipts
        last_id = receipts[-1].receipt_id
