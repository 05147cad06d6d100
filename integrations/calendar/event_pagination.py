"""
Pages of occurrences in a window, by start and then id.

A cursor is bound to the request and to the shares under which the first page was read; if one is
withdrawn, the client starts again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NamedTuple
from uuid import UUID

import orjson

from accounts import signed_values
from integrations.formats.recurrence import recurrence_expansion
from integrations.formats.recurrence.recurrence_expansion import TimeWindow
from integrations.formats.recurrence.series import to_start_key
from integrations.web import page_cursors

from . import event_json
from .calendar_access import VisibleCalendar
from .occurrences import EventOccurrence

# Its own purpose, not that of mail cursors: the position has values that are sealed at rest.
_PURPOSE: Final = "cursor of calendars"


class OccurrencePosition(NamedTuple):
    at: datetime
    id: str


@dataclass(frozen=True, slots=True)
class EventPageRequest:
    """
    :param audience: the actor and the person for whom it acts
    :param filters: see `format_filters`
    """

    audience: str
    filters: str
    after: OccurrencePosition | None
    limit: int
    at: datetime

    def narrow_window(self, window: TimeWindow) -> TimeWindow:
        """Return the window from the cursor on."""
        if self.after is None or self.after.at <= window.start:
            return window
        return recurrence_expansion.make_time_window(
            self.after.at, window.end, zone=window.zone.key
        )

    def cut_page(
        self,
        occurrences: Sequence[EventOccurrence],
        window: TimeWindow,
        *,
        read_until: datetime | None = None,
    ) -> tuple[list[EventOccurrence], str | None]:
        """
        Return the page, and the next cursor if more follows.

        :param read_until: end of the rows that were read, if before the window's
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
            # No event from `read_until` on was read.
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
    Without a cursor, return the first page.

    :raises page_cursors.InvalidCursor: also if a share under which the first page was read has
        ended
    :raises page_cursors.ExpiredCursor:
    """
    after = None if cursor is None else _read_cursor(cursor, _bind_cursor(audience, filters), at)
    return EventPageRequest(audience, filters, after, limit, at)


def _read_cursor(cursor: str, bound_to: str, at: datetime) -> OccurrencePosition:
    try:
        written_at, seconds, microsecond, occurrence_id = signed_values.read_signed_value(
            cursor, purpose=_PURPOSE, bound_to=bound_to
        )
    except signed_values.InvalidSignedValue:
        raise page_cursors.InvalidCursor from None
    if at - datetime.fromtimestamp(written_at, UTC) > page_cursors.LIFETIME:
        raise page_cursors.ExpiredCursor
    return OccurrencePosition(
        datetime.fromtimestamp(seconds, UTC).replace(microsecond=microsecond), occurrence_id
    )


def _bind_cursor(audience: str, filters: str) -> str:
    return f"{audience}\n{filters}"


def format_filters(
    window: TimeWindow, calendar_ids: Collection[UUID] | None, calendars: Sequence[VisibleCalendar]
) -> str:
    """Return the same text for the same request; cursors are bound to it."""
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
    """Return the state of each calendar's copy, and whether the page has its events."""
    return [
        {
            "id": visible.calendar.id,
            "complete": visible in shown_calendars,
            **event_json.serialize_calendar_copy_state(
                visible, at=at, is_withheld=visible in withheld_calendars
            ),
        }
        for visible in (*shown_calendars, *missing_calendars)
    ]


def get_position(occurrence: EventOccurrence, window: TimeWindow) -> OccurrencePosition:
    """An all-day event starts at midnight in the window's zone."""
    start = to_start_key(occurrence.occurrence.start)
    at, _ = recurrence_expansion.to_utc_times(start, start, window.zone)
    return OccurrencePosition(at, event_json.format_occurrence_id(occurrence))
