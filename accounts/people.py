"""
Look-ups of people other than the row owner: by an exact address, and the owner's colleagues.

A web process sees only the owner's rows (`config.database.row_owners`), so database functions
(``migrations/sql/people.sql``) find other people.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from accounts import row_owner


class SignInRecord(NamedTuple):
    person_id: UUID
    password: str


def find_sign_in_record(address: str) -> SignInRecord | None:
    """
    Return the person with this address, active or not.

    :param address: in lower case
    """
    row = _fetch_row("SELECT person, password FROM find_sign_in(%s)", address)
    return SignInRecord(*row) if row else None


class Colleague(NamedTuple):
    name: str
    address: str


def find_person(address: str) -> UUID | None:
    """
    Return the active person with this address.

    :param address: in lower case
    """
    row = _fetch_row("SELECT * FROM find_person(%s)", address)
    return row[0] if row else None


def find_colleague(address: str) -> UUID | None:
    """
    Return the active member of the owner's organisation with this verified address.

    None without a row owner (`accounts.row_owner`).

    :param address: in lower case
    """
    row = _fetch_row("SELECT * FROM find_colleague(%s)", address)
    return row[0] if row else None


def find_colleagues(*, limit: int) -> list[Colleague]:
    """
    Return other active members of the owner's organisation, by name, with verified addresses.

    None without a row owner (`accounts.row_owner`).
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, address FROM find_colleagues(%s)", [limit])
        return [Colleague(*row) for row in cursor.fetchall()]


def find_platform_ids(person_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the platform's ids of people, active or not, by our ids."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT person, platform_id FROM find_platform_ids(%s)", [list(person_ids)])
        return dict(cursor.fetchall())


def find_required_factor(person_id: UUID) -> int | None:
    """Return the id of the factor that a member of staff has to keep."""
    with row_owner.acting_for(person_id, None):
        row = _fetch_row("SELECT find_kept_factor()")
    return row[0] if row else None


def _fetch_row(statement: str, *values: Any) -> tuple[Any, ...] | None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row: tuple[Any, ...] | None = cursor.fetchone()
    return row
