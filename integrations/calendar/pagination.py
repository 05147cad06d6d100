"""
Pages of what happens in a window: by start, then by id, after the place that a cursor names.

A cursor is bound to the question and to the shares that the first page was read under: once one
of them is taken back, the reading under way is over, and what is still to be seen begins anew.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NamedTuple
from uuid import UUID

import orjson

from accounts import signed_values
from integrations.formats.recurrence import expansion
from integrations.formats.recurrence.expansion import Window
from integrations.formats.recurrence.series import key
from integrations.web import cursors

from . import event_json
from .calendar_access import Visible
from .occurrences import Happening

# Apart from the cursors of mail: the place of an occurrence is made of sealed values.
_PURPOSE: Final = "cursor of calendars"


class Place(NamedTuple):
    """The last occurrence of a page."""

    at: datetime
    id: str


@dataclass(frozen=True, slots=True)
class Paging:
    """
    One page of one question.

    :param audience: who asks and for whom
    :param filters: a stable text of what the cursor is bound to
    """

    audience: str
    filters: str
    after: Place | None
    limit: int
    at: datetime

    def from_here(self, inside: Window) -> Window:
        """Return what of the window is still to be looked at: nothing before the place."""
        if self.after is None or self.after.at <= inside.start:
            return inside
        return expansion.window(self.after.at, inside.end, zone=inside.place.key)

    def cut(
        self, happenings: Sequence[Happening], inside: Window, *, until: datetime | None = None
    ) -> tuple[list[Happening], str | None]:
        """
        Return the page, and the cursor that goes on after it; None if nothing does.

        :param until: where what was looked at ends, if the question goes on behind it
        """
        placed = sorted((place(one, inside), at) for at, one in enumerate(happenings))
        left = [(spot, at) for spot, at in placed if self.after is None or spot > self.after]
        page = left[: self.limit]
        following = None
        if len(left) > self.limit:
            following = self._cursor(page[-1][0])
        elif until is not None:
            # Nothing that begins there has been looked at.
            following = self._cursor(Place(until, ""))
        return [happenings[at] for _, at in page], following

    def _cursor(self, spot: Place) -> str:
        second = spot.at.replace(microsecond=0)
        payload = [
            int(self.at.timestamp()),
            int(second.timestamp()),
            spot.at.microsecond,
            spot.id,
        ]
        bound_to = _bind(self.audience, self.filters)
        return signed_values.sign(payload, purpose=_PURPOSE, bound_to=bound_to)


def page(cursor: str | None, *, audience: str, filters: str, limit: int, at: datetime) -> Paging:
    """
    Return the page that a cursor asks for, or the first.

    :raises cursors.InvalidCursor: if it was not written for this very question, or a share that
        the reading began under is no more
    :raises cursors.ExpiredCursor: if it is too old
    """
    after = None if cursor is None else _read(cursor, _bind(audience, filters), at)
    return Paging(audience, filters, after, limit, at)


def _read(cursor: str, bound_to: str, at: datetime) -> Place:
    try:
        written, seconds, microsecond, row = signed_values.read(
            cursor, purpose=_PURPOSE, bound_to=bound_to
        )
    except signed_values.InvalidValue:
        raise cursors.InvalidCursor from None
    if at - datetime.fromtimestamp(written, UTC) > cursors.LIFETIME:
        raise cursors.ExpiredCursor
    return Place(datetime.fromtimestamp(seconds, UTC).replace(microsecond=microsecond), row)


def _bind(audience: str, filters: str) -> str:
    return f"{audience}\n{filters}"


def filters(inside: Window, calendar_ids: Collection[UUID] | None, found: Sequence[Visible]) -> str:
    """Return what a cursor is bound to, the same text for the same question."""
    asked = {
        "start": inside.start,
        "end": inside.end,
        "zone": inside.place.key,
        "calendars": None if calendar_ids is None else sorted(map(str, calendar_ids)),
        "shares": sorted(str(one.share.id) for one in found if one.share is not None),
    }
    return orjson.dumps(asked, option=orjson.OPT_SORT_KEYS).decode()


def standing(
    shown: Sequence[Visible],
    missing: Sequence[Visible],
    withheld: Collection[Visible],
    *,
    at: datetime,
) -> list[event_json.Shape]:
    """Return of each calendar whether its events are among those of a page, and how it stands."""
    return [
        {
            "id": one.calendar.id,
            "complete": one in shown,
            **event_json.copy_of(one, at=at, is_withheld=one in withheld),
        }
        for one in (*shown, *missing)
    ]


def place(one: Happening, inside: Window) -> Place:
    """Return where an occurrence stands; days begin as on the window's clocks."""
    start = key(one.occurrence.start)
    at, _ = expansion.moments(start, start, inside.place)
    return Place(at, event_json.occurrence_id(one))
