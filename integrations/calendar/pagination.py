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
from integrations.formats.recurrence.expansion import TimeWindow
from integrations.formats.recurrence.series import to_start_key
from integrations.web import cursors

from . import event_json
from .calendar_access import VisibleCalendar
from .occurrences import EventOccurrence

# Apart from the cursors of mail: the place of an occurrence is made of sealed values.
_PURPOSE: Final = "cursor of calendars"


class OccurrencePosition(NamedTuple):
    """The last occurrence of a page."""

    at: datetime
    id: str


@dataclass(frozen=True, slots=True)
class EventPageRequest:
    """
    One page of one question.

    :param audience: who asks and for whom
    :param filters: a stable text of what the cursor is bound to
    """

    audience: str
    filters: str
    after: OccurrencePosition | None
    limit: int
    at: datetime

    def narrow_window(self, window: TimeWindow) -> TimeWindow:
        """Return what of the window is still to be looked at: nothing before the place."""
        if self.after is None or self.after.at <= window.start:
            return window
        return expansion.make_window(self.after.at, window.end, zone=window.zone.key)

    def cut_page(
        self,
        occurrences: Sequence[EventOccurrence],
        window: TimeWindow,
        *,
        read_until: datetime | None = None,
    ) -> tuple[list[EventOccurrence], str | None]:
        """
        Return the page, and the cursor that goes on after it; None if nothing does.

        :param until: where what was looked at ends, if the question goes on behind it
        """
        positions = sorted(
            (get_position(occurrence, window), index)
            for index, occurrence in enumerate(occurrences)
        )
        remaining = [
            (position, index)
            for position, index in positions
            if self.after is None or position > self.after
        ]
        page = remaining[: self.limit]
        next_cursor = None
        if len(remaining) > self.limit:
            next_cursor = self._sign_cursor(page[-1][0])
        elif read_until is not None:
            # Nothing that begins there has been looked at.
            next_cursor = self._sign_cursor(OccurrencePosition(read_until, ""))
        return [occurrences[index] for _, index in page], next_cursor

    def _sign_cursor(self, position: OccurrencePosition) -> str:
        second = position.at.replace(microsecond=0)
        payload = [
            int(self.at.timestamp()),
            int(second.timestamp()),
            position.at.microsecond,
            position.id,
        ]
        bound_to = _bind_cursor(self.audience, self.filters)
        return signed_values.sign_value(payload, purpose=_PURPOSE, bound_to=bound_to)


def parse_page_request(
    cursor: str | None, *, audience: str, filters: str, limit: int, at: datetime
) -> EventPageRequest:
    """
    Return the page that a cursor asks for, or the first.

    :raises cursors.InvalidCursor: if it was not written for this very question, or a share that
        the reading began under is no more
    :raises cursors.ExpiredCursor: if it is too old
    """
    after = None if cursor is None else _read_cursor(cursor, _bind_cursor(audience, filters), at)
    return EventPageRequest(audience, filters, after, limit, at)


def _read_cursor(cursor: str, bound_to: str, at: datetime) -> OccurrencePosition:
    try:
        written_at, seconds, microsecond, occurrence_id = signed_values.read_value(
            cursor, purpose=_PURPOSE, bound_to=bound_to
        )
    except signed_values.InvalidSignedValue:
        raise cursors.InvalidCursor from None
    if at - datetime.fromtimestamp(written_at, UTC) > cursors.LIFETIME:
        raise cursors.ExpiredCursor
    return OccurrencePosition(
        datetime.fromtimestamp(seconds, UTC).replace(microsecond=microsecond), occurrence_id
    )


def _bind_cursor(audience: str, filters: str) -> str:
    return f"{audience}\n{filters}"


def format_filters(
    window: TimeWindow, calendar_ids: Collection[UUID] | None, calendars: Sequence[VisibleCalendar]
) -> str:
    """Return what a cursor is bound to, the same text for the same question."""
    bound_values = {
        "start": window.start,
        "end": window.end,
        "zone": window.zone.key,
        "calendars": None if calendar_ids is None else sorted(map(str, calendar_ids)),
        "shares": sorted(
            str(visible.share.id) for visible in calendars if visible.share is not None
        ),
    }
    return orjson.dumps(bound_values, option=orjson.OPT_SORT_KEYS).decode()


def serialize_calendar_states(
    shown_calendars: Sequence[VisibleCalendar],
    missing_calendars: Sequence[VisibleCalendar],
    withheld_calendars: Collection[VisibleCalendar],
    *,
    at: datetime,
) -> list[event_json.JsonObject]:
    """Return of each calendar whether its events are among those of a page, and how it stands."""
    return [
        {
            "id": visible.calendar.id,
            "complete": visible in shown_calendars,
            **event_json.serialize_copy(visible, at=at, is_withheld=visible in withheld_calendars),
        }
        for visible in (*shown_calendars, *missing_calendars)
    ]


def get_position(occurrence: EventOccurrence, window: TimeWindow) -> OccurrencePosition:
    """Return where an occurrence stands; days begin as on the window's clocks."""
    start = to_start_key(occurrence.occurrence.start)
    at, _ = expansion.to_utc_times(start, start, window.zone)
    return OccurrencePosition(at, event_json.format_occurrence_id(occurrence))
