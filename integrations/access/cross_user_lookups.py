"""
Lookups across users, which row-level security would hide.

Several people may connect one provider account, and providers and administrators do not name our
users. These `SECURITY DEFINER` functions (``migrations/sql``) find owners by a keyed hash that
the caller must have, run as a role without login, and return ids and states only.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection as database

from accounts import row_owner
from limited_use.database_functions import DatabaseFunction, load_functions

_STAFF: Final = frozenset({"staff"})
_PROCESS_CLASSES: Final = frozenset({"web", "sync", "purge"})


class AccountConnection(NamedTuple):
    connection_id: UUID
    user_id: UUID
    organisation_id: UUID
    status: str


class SharePartner(NamedTuple):
    name: str
    address: str
    platform_id: str


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

#: Their owner alone writes look-ups of support (`integrations.support.lookups`).
SUPPORT_FUNCTIONS: Final[tuple[DatabaseFunction, ...]] = (
    *load_functions(
        _SQL / "support_lookups.sql",
        {
            "open_support_lookup": _STAFF,
            "found_people": _STAFF,
            "found_connections": _STAFF,
            "found_integrations": _STAFF,
            "count_support_effect": _STAFF,
        },
    ),
    *load_functions(
        _SQL / "bulk_revocations.sql",
        dict.fromkeys(("list_bulk_receipts", "count_bulk_purges", "find_bulk_staff"), _STAFF),
    ),
)

#: Owned by the vault; its functions look up key owners. No process class may execute them.
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
    rows = _fetch_rows("SELECT * FROM account_holders(%s, %s)", provider, account_blind)
    return [AccountConnection(*row) for row in rows]


def get_revocation_end(*, provider: str, account_blind: bytes, at: datetime) -> datetime | None:
    """Return the end of any owner's revocation that may be in flight."""
    rows = _fetch_rows("SELECT account_revoking(%s, %s, %s)", provider, account_blind, at)
    end: datetime | None = rows[0][0]
    return end


def find_watch_owners(*, kind: str, lookup_blind: bytes) -> list[tuple[UUID, UUID]]:
    """Return (person, organisation) of each watch."""
    rows = _fetch_rows("SELECT * FROM watch_owners(%s, %s)", kind, lookup_blind)
    return [(person, organisation) for person, organisation in rows]


def find_approval_owner(*, state_hash: bytes) -> tuple[UUID, UUID] | None:
    """Return (person, organisation) of the administrator's link."""
    rows = _fetch_rows("SELECT * FROM approval_owner(%s)", state_hash)
    if not rows:
        return None
    person, organisation = rows[0]
    return person, organisation


def find_share_partners(person_id: UUID, organisation_id: UUID | None) -> dict[UUID, SharePartner]:
    with row_owner.acting_for(person_id, organisation_id):
        rows = _fetch_rows("SELECT person, name, address, platform_id FROM share_partners()")
    return {person: SharePartner(*partner) for person, *partner in rows}


def _fetch_rows(statement: str, *values: Any) -> list[Any]:
    with database.cursor() as cursor:
        cursor.execute(statement, values)
        rows: list[Any] = cursor.fetchall()
        return rows
