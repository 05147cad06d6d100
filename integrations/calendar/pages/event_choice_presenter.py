"""
Convert opened rows to a list of events to choose from. Called inside the sink.

Support sees one row of an event. The list therefore has each row once: a series with its first
date in the period, and each changed occurrence by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from integrations.calendar import occurrences
from integrations.calendar.messages import pages as messages
from integrations.calendar.occurrences import EventOccurrence
from integrations.calendar.page_queries import CalendarPageData
from integrations.formats import timezones
from integrations.formats.recurrence.rrule_iter import RecurrenceWorkBudget
from integrations.models import EventKind
from limited_use.sinks.calendar_sink import OpenedRows, TemplateItem

from . import calendar_presenter, clock_text, display_timezone, time_text, view_ranges

#: Rows of one list.
MAX_LISTED: Final = 50
#: The list covers the days of this view.
PERIOD: Final = "agenda"
_DAY: Final = timedelta(days=1)
# Expansion steps for all series of a list.
_MAX_STEPS: Final = 200_000


@dataclass(frozen=True, slots=True)
class EventChoiceOptions:
    """
    :param day: the first day; None: today in the displayed time zone
    :param zone: None: that of the first calendar with one
    """

    day: date | None
    zone: str | None
    at: datetime


def make_event_choice_presenter(
    page_data: CalendarPageData, options: EventChoiceOptions
) -> Callable[[OpenedRows], Sequence[TemplateItem]]:
    def present_list(opened: OpenedRows) -> Sequence[TemplateItem]:
        calendar_count = len(page_data.calendars)
        name_rows, event_rows = opened[:calendar_count], opened[calendar_count:]
        properties = [
            orjson.loads(values["about"]) if "about" in values else {} for _, values in name_rows
        ]
        tz = display_timezone.choose_timezone(options.zone, page_data.calendars, properties)
        today = timezones.to_local_time(options.at, tz).date()
        days = view_ranges.get_view_range(PERIOD, options.day or today)
        window = calendar_presenter.make_exact_window(days, tz)
        expanded = occurrences.expand_rows(
            event_rows, window, work=RecurrenceWorkBudget(_MAX_STEPS)
        )
        first_occurrences: dict[UUID, EventOccurrence] = {}
        for occurrence in expanded.occurrences:
            first_occurrences.setdefault(occurrence.row.id, occurrence)
        events = list(first_occurrences.values())
        following = days.following
        if len(events) > MAX_LISTED:
            first_left_out = _get_day(events[MAX_LISTED], tz)
            following = max(first_left_out, days.first + _DAY)
        names = {
            visible.calendar.id: str(values.get("name") or messages.UNNAMED_CALENDAR)
            for visible, values in zip(page_data.calendars, properties, strict=True)
        }
        clear = {
            "heading": clock_text.format_days(days.first, days.last),
            "first": days.first,
            "previous": _keep_supported(days.previous),
            "following": _keep_supported(following),
            "is_from_today": options.day is None or options.day == today,
            "is_cut": len(events) > MAX_LISTED,
            "has_events": bool(events),
            "unreadable": len(expanded.unreadable_ids),
            **calendar_presenter.find_cached_days(page_data, window, tz),
        }
        presented = [_present_event(event, names, tz) for event in events[:MAX_LISTED]]
        return [TemplateItem(clear, {"zone": tz.key, "events": presented})]

    return present_list


def _present_event(event: EventOccurrence, names: Mapping[UUID, str], tz: ZoneInfo) -> TemplateItem:
    title = event.occurrence.content.title
    clear = {
        "id": event.row.id,
        "has_title": bool(title),
        "is_series": event.row.kind == EventKind.SERIES,
        "is_changed": event.row.kind == EventKind.CHANGED,
    }
    opened: dict[str, Any] = {
        "title": title,
        "when": time_text.describe_times(event.occurrence, tz)["when"],
        "calendar": names[event.row.visible.calendar.id],
    }
    return TemplateItem(clear, opened)


def _get_day(event: EventOccurrence, tz: ZoneInfo) -> date:
    day: date = time_text.describe_times(event.occurrence, tz)["day"]
    return day


def _keep_supported(day: date) -> date | None:
    return day if view_ranges.is_day_supported(day) else None
