"""
People, found across the wall around their rows.

A process that answers one person at a time is shown that person's row alone
(`config.database.owners`). These functions of the database find other people by an address that
the caller must know. Their text is in ``migrations/sql/people.sql``.
"""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from accounts import row_owner


class SignIn(NamedTuple):
    """Whom a password is checked for, and its hash."""

    person_id: UUID
    password: str


def find_sign_in(address: str) -> SignIn | None:
    """
    Return the person who signs in with this address, active or not; None if there is none.

    :param address: in lower case
    """
    found = _fetch_row("SELECT person, password FROM find_sign_in(%s)", address)
    return SignIn(*found) if found else None


def find_person(address: str) -> UUID | None:
    """
    Return the active person with this address; None if there is none.

    :param address: in lower case
    """
    found = _fetch_row("SELECT * FROM find_person(%s)", address)
    return found[0] if found else None


def find_colleague(address: str) -> UUID | None:
    """
    Return the active member with this verified address, of the organisation acted in.

    None if there is none, or if nobody is entered (`accounts.row_owner`).

    :param address: in lower case
    """
    found = _fetch_row("SELECT * FROM find_colleague(%s)", address)
    return found[0] if found else None


def find_kept_factor(person_id: UUID) -> int | None:
    """Return the id of the factor that a person has to keep as staff; None if they need not."""
    with row_owner.acting_for(person_id, None):
        found = _fetch_row("SELECT find_kept_factor()")
    return found[0] if found else None


def _fetch_row(statement: str, *values: Any) -> tuple[Any, ...] | None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        found: tuple[Any, ...] | None = cursor.fetchone()
    return found
