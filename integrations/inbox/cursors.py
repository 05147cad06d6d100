"""
Page cursors: opaque, signed, bound to what they page through and to whom.

A cursor says after which row to go on. It carries its kind, its audience (who
asks, for whom) and a hash of the filters, so that it works for the same question
by the same caller and for nothing else.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.core import signing

# After a day the list has moved on; whoever still pages begins anew.
LIFETIME = timedelta(days=1)
_SALT = "integrations.inbox.cursor"


class InvalidCursor(Exception):
    """Forged, altered, somebody else's, or for other filters. Drop it and begin without one."""


class ExpiredCursor(Exception):
    """It was good once. Begin without one."""


class Place(NamedTuple):
    """The last row of a page, in the order of the list."""

    at: datetime
    id: UUID


def write(place: Place, *, kind: str, audience: str, filters: str, at: datetime) -> str:
    """
    Return the cursor that goes on after `place`.

    :param kind: what is listed
    :param audience: who asks and for whom, as ids
    :param filters: a stable text of the filters in force
    """
    payload = [
        int(at.timestamp()),
        int(place.at.timestamp()),
        place.at.microsecond,
        place.id.hex,
    ]
    return signing.dumps(payload, salt=_salt(kind, audience, filters), compress=False)


def read(cursor: str, *, kind: str, audience: str, filters: str, at: datetime) -> Place:
    """
    Return the place that `cursor` goes on after.

    :raises InvalidCursor: if it was not written by us for this very question
    :raises ExpiredCursor: if it is older than `LIFETIME`
    """
    try:
        written, seconds, microsecond, row = signing.loads(
            cursor, salt=_salt(kind, audience, filters)
        )
    except (signing.BadSignature, ValueError, TypeError):
        raise InvalidCursor from None
    if at - datetime.fromtimestamp(written, UTC) > LIFETIME:
        raise ExpiredCursor
    return Place(datetime.fromtimestamp(seconds, UTC).replace(microsecond=microsecond), UUID(row))


def _salt(kind: str, audience: str, filters: str) -> str:
    # The salt is part of the signing key's derivation: what differs in any of
    # these has another signature.
    return f"{_SALT}\n{kind}\n{audience}\n{filters}"
