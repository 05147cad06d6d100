"""
What has to be asked across people, and no more of it than the answer.

The database hides from a web process whatever is not the person's whom it acts for
(`config.database.policies`). An account at a provider may be connected by several people, and a
provider tells of accounts, and an administrator of a link, not of our people: these functions
find, by a hash that the caller must have, whose something is. They run with the rights of a role
that nobody is, and answer with ids and states. Their text is in ``migrations/sql``.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection as database

from accounts import row_owner
from limited_use.database_functions import DatabaseFunction, load_functions

_PROCESS_CLASSES: Final = frozenset({"web", "sync", "purge"})


class AccountConnection(NamedTuple):
    """A connection of an account that has not ended: whose, where, and how it stands."""

    connection_id: UUID
    user_id: UUID
    organisation_id: UUID
    status: str


class SharePartner(NamedTuple):
    """Somebody who shares a calendar with the person of the transaction."""

    name: str
    address: str


_SQL: Final = Path(__file__).parents[1] / "migrations" / "sql"

LOOKUP_FUNCTIONS: Final[tuple[DatabaseFunction, ...]] = (
    *load_functions(
        _SQL / "cross_user_lookups.sql",
        {
            "account_holders": _PROCESS_CLASSES,
            "account_revoking": _PROCESS_CLASSES,
            "watch_owners": frozenset({"web"}),
            "approval_owner": frozenset({"web"}),
        },
    ),
    *load_functions(_SQL / "share_partners.sql", {"share_partners": frozenset({"web"})}),
    *load_functions(
        _SQL / "own_rows.sql",
        {"owns_calendar": frozenset({"web"}), "owns_integration": frozenset({"web"})},
    ),
)

#: Owned by the vault, whose functions look up the owners of keys. No class may execute them.
KEY_HOLDER_FUNCTIONS: Final[tuple[DatabaseFunction, ...]] = load_functions(
    _SQL / "key_holders.sql",
    {
        "key_holder_owners": frozenset(),
        "key_holders_of_person": frozenset(),
        "key_holders_of_others": frozenset(),
        "key_holders_opened": frozenset(),
    },
)


def find_account_connections(*, provider: str, account_blind: bytes) -> list[AccountConnection]:
    """Return the connections of an account that have not ended, whoever's and wherever."""
    rows = _fetch_rows("SELECT * FROM account_holders(%s, %s)", provider, account_blind)
    return [AccountConnection(*row) for row in rows]


def get_revocation_end(*, provider: str, account_blind: bytes, at: datetime) -> datetime | None:
    """Return until when a revocation of this account's grant may be on its way, whoever's."""
    rows = _fetch_rows("SELECT account_revoking(%s, %s, %s)", provider, account_blind, at)
    end: datetime | None = rows[0][0]
    return end


def find_watch_owners(*, kind: str, lookup_blind: bytes) -> list[tuple[UUID, UUID]]:
    """Return person and organisation of each who has a watch that is looked up by this hash."""
    rows = _fetch_rows("SELECT * FROM watch_owners(%s, %s)", kind, lookup_blind)
    return [(person, organisation) for person, organisation in rows]


def find_approval_owner(*, state_hash: bytes) -> tuple[UUID, UUID] | None:
    """Return person and organisation of whoever made the link that had this state."""
    rows = _fetch_rows("SELECT * FROM approval_owner(%s)", state_hash)
    if not rows:
        return None
    person, organisation = rows[0]
    return person, organisation


def find_share_partners(person_id: UUID, organisation_id: UUID | None) -> dict[UUID, SharePartner]:
    """Return those who share calendars with a person in an organisation, by id."""
    with row_owner.acting_for(person_id, organisation_id):
        rows = _fetch_rows("SELECT person, name, address FROM share_partners()")
    return {person: SharePartner(name, address) for person, name, address in rows}


def _fetch_rows(statement: str, *values: Any) -> list[Any]:
    with database.cursor() as cursor:
        cursor.execute(statement, values)
        rows: list[Any] = cursor.fetchall()
        return rows
