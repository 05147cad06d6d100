"""Page cursors: opaque, signed, and bound to the query of one caller."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from accounts import signed_values

# After a day the list has changed: start again.
LIFETIME = timedelta(days=1)
_PURPOSE = "cursor of mail"


class InvalidCursor(Exception):
    """Forged, altered, from another caller, or for other filters."""


class ExpiredCursor(Exception):
    """A valid cursor that is too old."""


class CursorPagePosition(NamedTuple):
    """The last row of a page."""

    at: datetime
    id: UUID


def write(
    position: CursorPagePosition, *, kind: str, audience: str, filters: str, at: datetime
) -> str:
    """
    :param kind: the list
    :param audience: ids of the actor and the user
    :param filters: a stable text of the active filters
    """
    payload = [
        int(at.timestamp()),
        int(position.at.timestamp()),
        position.at.microsecond,
        position.id.hex,
    ]
    binding = _describe_binding(kind, audience, filters)
    return signed_values.sign_value(payload, purpose=_PURPOSE, bound_to=binding)


def read(
    cursor: str, *, kind: str, audience: str, filters: str, at: datetime
) -> CursorPagePosition:
    """
    :raises InvalidCursor: if this service did not write it for this query
    :raises ExpiredCursor: if it is older than `LIFETIME`
    """
    try:
        written_at, seconds, microsecond, row_id = signed_values.read_signed_value(
            cursor, purpose=_PURPOSE, bound_to=_describe_binding(kind, audience, filters)
        )
    except signed_values.InvalidSignedValue:
        raise InvalidCursor from None
    if at - datetime.fromtimestamp(written_at, UTC) > LIFETIME:
        raise ExpiredCursor
    return CursorPagePosition(
        datetime.fromtimestamp(seconds, UTC).replace(microsecond=microsecond), UUID(row_id)
    )


def _describe_binding(kind: str, audience: str, filters: str) -> str:
    return f"{kind}\n{audience}\n{filters}"
