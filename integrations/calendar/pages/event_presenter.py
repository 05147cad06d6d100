"""Convert the opened rows of one event to template values. Called inside the sink."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from integrations.calendar import (
    event_codec,
    event_descriptions,
    event_json,
    event_lookup,
    occurrences,
)
from integrations.calendar.event_lookup import EventId
from integrations.calendar.messages import pages as messages
from integrations.calendar.occurrences import EventOccurrence
from integrations.calendar.page_queries import EventPageData
from integrations.formats.event_content import EventContent
from integrations.formats.recurrence.recurrence_expansion import Occurrence
from integrations.models import EventKind
from integrations.providers import PROVIDERS
from integrations.providers.provider_definition import Provider
from limited_use.sinks.calendar_sink import OpenedRows, TemplateItem
from limited_use.sinks.sealed_rows import Permits
from limited_use.vault.envelope import Damaged

from . import (
    attendee_presenter,
    display_timezone,
    recurrence_text,
    time_text,
    writable_calendars,
)

# Initial height of the description's frame by its number of characters; CSS classes as for mail.
_FRAME_HEIGHTS: Final = ((400, "short"), (1200, "middling"), (3000, "long"))
# More attendees than these are folded.
_MAX_OPEN_ATTENDEES: Final = 8
# Templates cannot test a sealed value, so each gets a flag.
_OPTIONAL_VALUES: Final = (
    "repeats",
    "title",
    "place",
    "place_link",
    "own_when",
    "guests",
    "mine",
    "organizer",
)
PageValues = dict[str, Any]


@dataclass(frozen=True, slots=True)
class EventPageOptions:
    """
    :param zone: None: the time zone of the viewer's first calendar with one
    :param support_end_times: ends of support's access to rows of the event
    """

    event_id: EventId
    zone: str | None
    support_end_times: Mapping[UUID, datetime] = field(default_factory=dict)


def make_event_presenter(
    page_data: EventPageData, options: EventPageOptions
) -> Callable[[OpenedRows], Sequence[TemplateItem]]:
    """The presenter returns [] if no event matches."""

    def present_page(opened: OpenedRows) -> Sequence[TemplateItem]:
        events = opened[len(page_data.calendars) :]
        calendar_properties = read_calendar_properties(page_data, opened)
        tz = display_timezone.choose_timezone(
            options.zone, page_data.calendars, calendar_properties
        )
        occurrence = find_occurrence(events, options.event_id)
        if occurrence is None:
            return []
        calendar = next(
            properties
            for visible, properties in zip(page_data.calendars, calendar_properties, strict=True)
            if visible is page_data.visible
        )
        presented = _present_occurrence(occurrence, events, tz, calendar.get("name", ""), page_data)
        # The shown version, as in the API.
        serialized = (
            event_lookup.serialize_event(
                events, event_id=options.event_id, permits=page_data.permits
            )
            or {}
        )
        version = serialized.get("etag") or ""
        is_single_occurrence = options.event_id.original_start is not None
        clear = {
            **presented.clear,
            "is_one_of_many": is_single_occurrence,
            # The row that support would see: of a changed occurrence, else of the whole series.
            "row_id": occurrence.row.id,
            "support_until": options.support_end_times.get(occurrence.row.id),
        }
        return [TemplateItem(clear, {**presented.opened, "version": version})]

    return present_page


def read_calendar_properties(page_data: EventPageData, opened: OpenedRows) -> list[PageValues]:
    """Return name, zone and colour of each calendar, in order; `{}` if not opened."""
    name_rows = opened[: len(page_data.calendars)]
    return [orjson.loads(values["about"]) if "about" in values else {} for _, values in name_rows]


def find_occurrence(opened: OpenedRows, event_id: EventId) -> EventOccurrence | None:
    """
    Return the occurrence, the single event, or the series with its first time.

    :raises Damaged:
    """
    if event_id.original_start is not None:
        return occurrences.find_occurrence(opened, event_id.row_id, event_id.original_start)
    for row, values in opened:
        if row.id != event_id.row_id or row.kind == EventKind.CANCELLED:
            continue
        if not values:
            raise Damaged
        if row.kind == EventKind.CHANGED:
            return occurrences.build_changed_occurrence(opened, row, values)
        content = occurrences.read_event_content(row, values)
        is_series = row.kind == EventKind.SERIES
        return EventOccurrence(
            row,
            values,
            Occurrence(content.start, content.end, content),
            row if is_series else None,
        )
    return None


def make_description_presenter(
    event_id: EventId, permits: Permits
) -> Callable[[OpenedRows], bytes]:
    """:param permits: those by which the sink opens the rows"""

    def present_description(opened: OpenedRows) -> bytes:
        occurrence = find_occurrence(opened, event_id)
        if occurrence is None or "content" not in occurrence.values:
            return b""
        [current] = event_descriptions.update_occurrence_descriptions([occurrence], permits)
        return event_descriptions.render_description_document(
            orjson.loads(current.values["content"])
        ).encode()

    return present_description


def _present_occurrence(
    occurrence: EventOccurrence,
    events: OpenedRows,
    tz: ZoneInfo,
    calendar_name: str,
    page_data: EventPageData,
) -> TemplateItem:
    content, row = occurrence.occurrence.content, occurrence.row
    has_details = "content" in occurrence.values
    provider = _find_provider(page_data)
    clear = {
        "knows": has_details,
        "calendar_id": page_data.visible.calendar.id,
        "is_own": page_data.visible.share is None,
        "is_local": page_data.visible.calendar.is_local,
        "is_busy_only": not page_data.visible.shows_details,
        "is_private": row.is_private,
        "is_free": not row.is_busy,
        "is_tentative": content.is_tentative,
        "is_changed": occurrence.master is not None and occurrence.master.id != row.id,
        "is_series": occurrence.master is not None,
        "may_change": writable_calendars.is_writable(page_data.visible),
        "connection": writable_calendars.find_connection_without_permission(page_data.visible),
        "may_move": bool(
            writable_calendars.list_move_targets(page_data.visible, page_data.calendars)
        ),
        "is_copied": provider is not None and provider.moves_by_copy,
        "splits_meetings": provider is not None and provider.splits_meetings,
        "has_calendar": bool(calendar_name),
    }
    opened: PageValues = {
        "id": event_json.format_occurrence_id(occurrence),
        **time_text.describe_times(occurrence.occurrence, tz),
        "repeats": _describe_recurrence(occurrence, events),
        "calendar": calendar_name,
        "sharer": page_data.sharer_name,
    }
    if has_details:
        is_own = page_data.visible.share is None
        opened |= _present_details(content, occurrence.values["content"], is_own=is_own)
    for name in _OPTIONAL_VALUES:
        clear[f"has_{name}"] = bool(opened.get(name))
    clear["is_online"] = (
        has_details and event_codec.decode_conference(_read_record(occurrence)) is not None
    )
    clear["has_description"] = has_details and bool(content.description.strip())
    # On a shared calendar, the answer is the owner's, not the viewer's.
    is_answered_here = has_details and page_data.visible.share is None
    clear["own_response"] = _get_own_response(content) if is_answered_here else None
    clear["folds_attendees"] = has_details and len(content.attendees) > _MAX_OPEN_ATTENDEES
    clear["frame"] = _choose_frame_height(content.description)
    return TemplateItem(clear, opened)


def _find_provider(page_data: EventPageData) -> Provider | None:
    """Return None for an Antares calendar."""
    if page_data.visible.calendar.is_local:
        return None
    return PROVIDERS[page_data.visible.calendar.integration.connection.provider]


def _read_record(occurrence: EventOccurrence) -> PageValues:
    record: PageValues = orjson.loads(occurrence.values["content"])
    return record


def _present_details(content: EventContent, data: bytes, *, is_own: bool) -> PageValues:
    """:param is_own: whether the account's owner looks at the page"""
    record = orjson.loads(data)
    conference = event_codec.decode_conference(record)
    link = conference.uri if conference is not None else ""
    return {
        "title": content.title,
        "place": content.location,
        "place_link": content.location.strip() if _is_web_address(content.location) else "",
        "organizer": record.get("organizer", ""),
        "guests": [
            attendee_presenter.present_attendee(attendee, is_own=is_own)
            for attendee in content.attendees
        ],
        "has_more_guests": bool(record.get("has_more_attendees")),
        "mine": _describe_own_answer(_get_own_response(content)) if is_own else "",
        "answer_counts": attendee_presenter.count_answers(content.attendees),
        "meeting": {
            "has_link": _is_web_address(link),
            "has_words": bool(link),
            "words": link,
            "is_pending": conference is not None and conference.state == "pending",
            "is_failed": conference is not None and conference.state == "failed",
        },
        "reminders": time_text.describe_reminders(content.reminders),
    }


def _get_own_response(content: EventContent) -> str | None:
    """None: the viewer is no attendee."""
    return next((attendee.response for attendee in content.attendees if attendee.is_self), None)


def _describe_own_answer(response: str | None) -> str:
    if response is None:
        return ""
    if response == "needs_action":
        return str(messages.ANSWERS[response])
    return messages.OWN_ANSWER % {"answer": messages.ANSWERS[response]}


def _describe_recurrence(occurrence: EventOccurrence, events: OpenedRows) -> str:
    if occurrence.master is None:
        return ""
    for row, values in events:
        if row.id == occurrence.master.id and values:
            series = occurrences.read_event_content(row, values)
            return recurrence_text.describe_recurrence(series.recurrence, series.start)
    return ""


def _is_web_address(address: str) -> bool:
    if any(character.isspace() for character in address.strip()):
        return False
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return False
    return parts.scheme.lower() in {"http", "https"} and bool(parts.netloc)


def _choose_frame_height(text: str) -> str:
    return next((name for max_length, name in _FRAME_HEIGHTS if len(text) <= max_length), "tall")
