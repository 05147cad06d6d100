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


class PagePosition(NamedTuple):
    """The last row of a page, in the order of the list."""

    at: datetime
    id: UUID


def write(position: PagePosition, *, kind: str, audience: str, filters: str, at: datetime) -> str:
    """
    Return the cursor that goes on after `place`.

    :param kind: what is listed
    :param audience: who asks and for whom, as ids
    :param filters: a stable text of the filters in force
    """
    payload = [
        int(at.timestamp()),
        int(position.at.timestamp()),
        position.at.microsecond,
        position.id.hex,
    ]
    binding = _describe_binding(kind, audience, filters)
    return signed_values.sign_value(payload, purpose=_PURPOSE, bound_to=binding)


def read(cursor: str, *, kind: str, audience: str, filters: str, at: datetime) -> PagePosition:
    """
    Return the place that `cursor` goes on after.

    :raises InvalidCursor: if it was not written by us for this very question
    :raises ExpiredCursor: if it is older than `LIFETIME`
    """
    try:
        written_at, seconds, microsecond, row_id = signed_values.read_value(
            cursor, purpose=_PURPOSE, bound_to=_describe_binding(kind, audience, filters)
        )
    except signed_values.InvalidSignedValue:
        raise InvalidCursor from None
    if at - datetime.fromtimestamp(written_at, UTC) > LIFETIME:
        raise ExpiredCursor
    return PagePosition(
        datetime.fromtimestamp(seconds, UTC).replace(microsecond=microsecond), UUID(row_id)
    )


def _describe_binding(kind: str, audience: str, filters: str) -> str:
    return f"{kind}\n{audience}\n{filters}"
