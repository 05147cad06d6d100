"""Delegations to a feature, of all people, for the feature's client."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from django.db import connection

#: A delegation that ended is listed for this long.
ENDED_LISTED_FOR: Final = timedelta(days=30)


class ListedDelegation(NamedTuple):
    """:param is_usable: the person is active, and a member of the organisation"""

    id: UUID
    user_id: UUID
    platform_user: str
    organisation_id: UUID
    platform_organisation: str
    feature_version: int
    switched_on_at: datetime
    switched_off_at: datetime | None
    is_usable: bool


def list_delegations(
    *, feature: str, before: UUID | None, limit: int, at: datetime
) -> list[ListedDelegation]:
    """
    Return delegations that are on, or ended recently, the newest first.

    A web process sees the names of one person only, so a database function
    (``migrations/sql/callers.sql``) finds those of the others.

    :param before: id of the last delegation of the page before
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT * FROM list_delegations(%s, %s, %s, %s)",
            [feature, at - ENDED_LISTED_FOR, before, limit],
        )
        return [ListedDelegation._make(row) for row in cursor.fetchall()]
