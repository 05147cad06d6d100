"""
What has to be asked across people, and no more of it than the answer.

The database hides from a web process whatever is not the person's whom it acts for
(`config.database.policies`). An account at a provider may be connected by several people, and a
provider tells of accounts, and an administrator of a link, not of our people: these functions
find, by a hash that the caller must have, whose something is. They run with the rights of a role
that nobody is, and answer with ids and states.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection as database

from limited_use.vault.functions import Function

_CLASSES: Final = frozenset({"web", "sync", "purge"})


class Holder(NamedTuple):
    """A connection of an account that has not ended: whose, where, and how it stands."""

    connection_id: UUID
    user_id: UUID
    organisation_id: UUID
    status: str


CROSSINGS: Final[tuple[Function, ...]] = (
    Function(
        name="account_holders",
        takes="provider text, blind bytea",
        gives="TABLE (connection uuid, person uuid, organisation uuid, status text)",
        body="SELECT c.id, c.user_id, c.organisation_id, c.status::text"
        " FROM public.integrations_connection AS c"
        " WHERE c.provider = account_holders.provider AND c.account_blind = account_holders.blind"
        " AND c.ended_at IS NULL",
        classes=_CLASSES,
        is_stable=True,
    ),
    Function(
        name="account_revoking",
        takes="provider text, blind bytea, at timestamptz",
        gives="timestamp with time zone",
        body="SELECT max(d.until) FROM ("
        "SELECT p.revoking_until FROM public.integrations_purgejob AS p"
        " JOIN public.integrations_integration AS i ON i.id = p.integration_id"
        " JOIN public.integrations_connection AS c ON c.id = i.connection_id"
        " WHERE c.provider = account_revoking.provider AND c.account_blind = account_revoking.blind"
        # Of a connection that brought nothing in, and so has no purge; of a grant not kept.
        " UNION ALL SELECT c.revoking_until FROM public.integrations_connection AS c"
        " WHERE c.provider = account_revoking.provider AND c.account_blind = account_revoking.blind"
        " UNION ALL SELECT g.revoking_until FROM public.integrations_discard AS g"
        " WHERE g.provider = account_revoking.provider AND g.account_blind = account_revoking.blind"
        ") AS d(until) WHERE d.until > account_revoking.at",
        classes=_CLASSES,
        is_stable=True,
    ),
    Function(
        name="watch_owners",
        takes="kind text, blind bytea",
        gives="TABLE (person uuid, organisation uuid)",
        body="SELECT DISTINCT c.user_id, c.organisation_id FROM public.integrations_watch AS w"
        " JOIN public.integrations_connection AS c ON c.id = w.connection_id"
        " WHERE w.kind = watch_owners.kind AND w.lookup_blind = watch_owners.blind",
        classes=frozenset({"web"}),
        is_stable=True,
    ),
    Function(
        name="approval_owner",
        takes="hash bytea",
        gives="TABLE (person uuid, organisation uuid)",
        body="SELECT a.user_id, a.organisation_id FROM public.integrations_approval AS a"
        " WHERE a.state_hash = approval_owner.hash",
        classes=frozenset({"web"}),
        is_stable=True,
    ),
)


def holders(*, provider: str, account_blind: bytes) -> list[Holder]:
    """Return the connections of an account that have not ended, whoever's and wherever."""
    rows = _ask("SELECT * FROM account_holders(%s, %s)", provider, account_blind)
    return [Holder(*row) for row in rows]


def revoking_until(*, provider: str, account_blind: bytes, at: datetime) -> datetime | None:
    """Return until when a revocation of this account's grant may be on its way, whoever's."""
    rows = _ask("SELECT account_revoking(%s, %s, %s)", provider, account_blind, at)
    until: datetime | None = rows[0][0]
    return until


def watchers(*, kind: str, lookup_blind: bytes) -> list[tuple[UUID, UUID]]:
    """Return person and organisation of each who has a watch that is looked up by this hash."""
    rows = _ask("SELECT * FROM watch_owners(%s, %s)", kind, lookup_blind)
    return [(person, organisation) for person, organisation in rows]


def approval_owner(*, state_hash: bytes) -> tuple[UUID, UUID] | None:
    """Return person and organisation of whoever made the link that had this state."""
    rows = _ask("SELECT * FROM approval_owner(%s)", state_hash)
    if not rows:
        return None
    person, organisation = rows[0]
    return person, organisation


def _ask(statement: str, *values: Any) -> list[Any]:
    with database.cursor() as cursor:
        cursor.execute(statement, values)
        found: list[Any] = cursor.fetchall()
        return found
