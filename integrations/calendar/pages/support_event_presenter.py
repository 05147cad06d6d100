"""
Convert the opened row of one event to the values of support's page. Called inside the sink.

The page shows title, times, place, description, guests and status, and nothing else of the
calendar: no series of an occurrence, no exceptions of a series.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from integrations.calendar import event_codec, event_descriptions
from integrations.calendar.support_access import SupportEventRow
from integrations.formats import timezones
from integrations.formats.event_content import When
from integrations.formats.recurrence.recurrence_expansion import Occurrence
from integrations.models import EventKind
from limited_use.sinks.calendar_sink import OpenedRows
from limited_use.sinks.template_values import TemplateItem
from limited_use.vault.envelope import Damaged

from . import attendee_presenter, recurrence_text, time_text

# Templates cannot test a sealed value, so each gets a flag.
_OPTIONAL_VALUES: Final = ("title", "place", "repeats", "text", "guests", "own_when")


def shape_support_event(row: SupportEventRow, values: Mapping[str, bytes]) -> TemplateItem:
    """:raises integrations.parsers.parser_pool.ParsersBusy:"""
    content = event_codec.decode_event_content(
        values["timing"],
        values.get("content"),
        is_busy=row.is_busy,
        is_private=row.is_private,
    )
    record = orjson.loads(values["content"]) if "content" in values else {"description": ""}
    occurrence = Occurrence(content.start, content.end, content)
    opened = {
        **time_text.describe_times(occurrence, _choose_timezone(content.start)),
        "title": content.title,
        "place": content.location,
        "repeats": recurrence_text.describe_recurrence(content.recurrence, content.start),
        "text": event_descriptions.render_description_text(record),
        "guests": [
            attendee_presenter.present_attendee(attendee, is_own=False)
            for attendee in content.attendees
        ],
    }
    clear = {
        "is_series": row.kind == EventKind.SERIES,
        "is_changed": row.kind == EventKind.CHANGED,
        "is_private": row.is_private,
        "is_free": not row.is_busy,
        "is_tentative": content.is_tentative,
        "has_more_guests": bool(record.get("has_more_attendees")),
        **{f"has_{name}": bool(opened[name]) for name in _OPTIONAL_VALUES},
    }
    return TemplateItem(clear, opened)


def make_preview(event_id: UUID) -> Callable[[OpenedRows], Sequence[TemplateItem]]:
    """
    Return a presenter that shows the owner what support would see of the event.

    It returns [] if the event was deleted or cancelled.
    """

    def present_preview(opened: OpenedRows) -> Sequence[TemplateItem]:
        """:raises Damaged, integrations.parsers.parser_pool.ParsersBusy:"""
        for row, values in opened:
            if row.id != event_id or row.kind == EventKind.CANCELLED:
                continue
            if not values:
                raise Damaged
            support_row = SupportEventRow(row.id, row.kind, row.is_busy, row.is_private)
            return [shape_support_event(support_row, values)]
        return []

    return present_preview


def _choose_timezone(start: When) -> ZoneInfo:
    """Return the event's own zone, else UTC: the agent knows no other zone of the owner."""
    try:
        return timezones.get_zone(start.zone or "UTC")
    except timezones.UnknownZone:
        return timezones.get_zone("UTC")
