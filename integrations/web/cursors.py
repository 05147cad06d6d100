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

from accounts import signed_values

# After a day the list has moved on; whoever still pages begins anew.
LIFETIME = timedelta(days=1)
_PURPOSE = "cursor of mail"


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
    bound_to = _bind(kind, audience, filters)
    return signed_values.sign(payload, purpose=_PURPOSE, bound_to=bound_to)


def read(cursor: str, *, kind: str, audience: str, filters: str, at: datetime) -> Place:
    """
    Return the place that `cursor` goes on after.

    :raises InvalidCursor: if it was not written by us for this very question
    :raises ExpiredCursor: if it is older than `LIFETIME`
    """
    try:
        written, seconds, microsecond, row = signed_values.read(
            cursor, purpose=_PURPOSE, bound_to=_bind(kind, audience, filters)
        )
    except signed_values.InvalidValue:
        raise InvalidCursor from None
    if at - datetime.fromtimestamp(written, UTC) > LIFETIME:
        raise ExpiredCursor
    return Place(datetime.fromtimestamp(seconds, UTC).replace(microsecond=microsecond), UUID(row))


def _bind(kind: str, audience: str, filters: str) -> str:
    return f"{kind}\n{audience}\n{filters}"
