"""Convert opened rows to the values of the calendar page. Called inside the sink."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from django.utils.dates import WEEKDAYS_ABBR

from accounts import display_times
from integrations.calendar import occurrences
from integrations.calendar.calendar_access import VisibleCalendar
from integrations.calendar.messages import pages as messages
from integrations.calendar.page_queries import CalendarPageData
from integrations.formats import timezones
from integrations.formats.recurrence import recurrence_expansion
from integrations.formats.recurrence.recurrence_expansion import TimeWindow
from integrations.formats.recurrence.rrule_iter import RecurrenceWorkBudget
from integrations.providers import PROVIDERS
from limited_use.sinks.calendar_sink import OpenedRows, TemplateItem

from . import calendar_colors, clock_text, day_layout, display_timezone, view_ranges
from .day_presenter import DayPresenter, reverse_urls
from .view_ranges import ViewRange

_DAY: Final = timedelta(days=1)
# Quarter-hour slots with room for the title only.
_BRIEF_LENGTH: Final = 3
# Expansion steps for all series of a page.
_MAX_STEPS: Final = 200_000
PageValues = dict[str, Any]


@dataclass(frozen=True, slots=True)
class CalendarPageOptions:
    """
    :param day: None: today in the displayed time zone
    :param zone: None: that of the first calendar with one
    """

    view: str
    day: date | None
    zone: str | None
    at: datetime


def make_calendar_presenter(
    page_data: CalendarPageData, options: CalendarPageOptions
) -> Callable[[OpenedRows], Sequence[TemplateItem]]:
    def present_page(opened: OpenedRows) -> Sequence[TemplateItem]:
        name_rows, event_rows = (
            opened[: len(page_data.calendars)],
            opened[len(page_data.calendars) :],
        )
        calendar_properties = [
            orjson.loads(values["about"]) if "about" in values else {} for _, values in name_rows
        ]
        tz = display_timezone.choose_timezone(
            options.zone, page_data.calendars, calendar_properties
        )
        today = timezones.to_local_time(options.at, tz).date()
        view_range = view_ranges.get_view_range(options.view, options.day or today)
        tones = calendar_colors.assign_tones(
            str(properties.get("colour") or "") for properties in calendar_properties
        )
        legend = _group_by_account(
            {
                **_present_calendar(visible, properties, options, tz),
                "tone": tone,
                **_present_sharing(visible, page_data),
            }
            for visible, properties, tone in zip(
                page_data.calendars, calendar_properties, tones, strict=True
            )
        )
        window = make_exact_window(view_range, tz)
        expanded = occurrences.expand_rows(
            event_rows, window, work=RecurrenceWorkBudget(_MAX_STEPS)
        )
        days = day_layout.lay_out_days(
            expanded.occurrences,
            view_range.days,
            tz=tz,
            calendars={
                calendar["id"]: day_layout.CalendarStyle(
                    calendar["tone"], _label_calendar(calendar)
                )
                for calendar in legend
            },
        )
        hours = range(*day_layout.get_hour_range(days))
        _place_entries(days, hours)
        clear = {
            **_present_view_range(view_range, today, days, hours),
            **find_cached_days(page_data, window, tz),
        }
        clear["unreadable"] = len(expanded.unreadable_ids) + sum(
            visible.calendar.unreadable_count for visible in page_data.shown_calendars
        )
        presented_days = DayPresenter(
            view_range.view, view_range.day, today, hours, reverse_urls()
        ).present_days(days)
        calendars = [_hide_names(calendar) for calendar in legend]
        return [
            TemplateItem(clear, {"zone": tz.key, "days": presented_days, "calendars": calendars})
        ]

    return present_page


def _present_calendar(
    visible: VisibleCalendar,
    properties: Mapping[str, Any],
    options: CalendarPageOptions,
    tz: ZoneInfo,
) -> PageValues:
    until = visible.expires_at
    return {
        "id": visible.calendar.id,
        "name": properties.get("name", ""),
        "has_name": bool(properties.get("name")),
        "is_busy_only": not visible.shows_details,
        "is_local": visible.calendar.is_local,
        "is_current": visible.is_current(options.at),
        "until": "" if until is None else _format_until(until, options.at, tz),
        "unreadable": visible.calendar.unreadable_count,
    }


def _present_sharing(visible: VisibleCalendar, page_data: CalendarPageData) -> PageValues:
    sharer = "" if visible.share is None else page_data.sharer_names.get(visible.share.owner_id, "")
    return {
        "is_own": visible.share is None,
        "sharer": sharer,
        "is_chosen": visible in page_data.chosen_calendars,
        **_present_account(visible, page_data.calendars),
    }


def _present_account(visible: VisibleCalendar, shown: Sequence[VisibleCalendar]) -> PageValues:
    """
    Omit the account's address: showing it is a use of data. The day of connecting tells accounts
    of one provider apart.
    """
    if visible.share is not None:
        return {"account_id": None, "account": messages.SHARED_WITH_ME}
    integration = visible.calendar.integration
    connection, provider = integration.connection, PROVIDERS[integration.connection.provider]
    account = {"account_id": connection.id, "integration_id": integration.id}
    if not provider.grants:
        return {**account, "account": messages.ANTARES_CALENDARS}
    providers = {
        other.calendar.integration.connection_id: other.calendar.integration.connection.provider
        for other in shown
        if other.share is None
    }
    if Counter(providers.values())[connection.provider] == 1:
        return {**account, "account": provider.label}
    day = display_times.format_day(connection.connected_at)
    return {**account, "account": messages.ACCOUNT % {"provider": provider.label, "day": day}}


def _hide_names(calendar: PageValues) -> TemplateItem:
    """Show the names of calendars and people as content, and all else as our own words."""
    names = ("name", "sharer")
    return TemplateItem(
        {key: value for key, value in calendar.items() if key not in names},
        {key: calendar[key] for key in names},
    )


def _format_until(until: datetime, at: datetime, tz: ZoneInfo) -> str:
    local, now = (timezones.to_local_time(moment, tz) for moment in (until, at))
    day = display_times.format_short_day(local.date(), year=now.year)
    return f"{day}, {clock_text.format_clock(local)}"


def _group_by_account(legend: Iterable[PageValues]) -> list[PageValues]:
    by_account: dict[UUID | None, list[PageValues]] = {}
    for calendar in legend:
        by_account.setdefault(calendar["account_id"], []).append(calendar)
    return [calendar for calendars in by_account.values() for calendar in calendars]


def _label_calendar(calendar: PageValues) -> str:
    """Return the calendar's name for screen readers, which cannot show its colour."""
    name = calendar["name"] or str(
        messages.BUSY_TIMES if calendar["is_busy_only"] else messages.UNNAMED_CALENDAR
    )
    if calendar["is_own"]:
        return name
    return messages.SHARED_CALENDAR % {"calendar": name, "person": calendar["sharer"]}


def _place_entries(days: Sequence[PageValues], hours: range) -> None:
    for entry in (entry for day in days for entry in day["timed"]):
        length = entry["after"] - entry["at"]
        entry |= {
            "row": entry["at"] - hours.start * 4 + 1,
            "length": length,
            "is_brief": length <= _BRIEF_LENGTH,
        }


def _present_view_range(
    view_range: ViewRange, today: date, days: Sequence[PageValues], hours: range
) -> PageValues:
    return {
        "view": view_range.view,
        "heading": _format_heading(view_range),
        "weekdays": list(WEEKDAYS_ABBR.values()),
        "day": view_range.day,
        "first": view_range.first,
        "last": view_range.last,
        "previous": view_range.previous
        if view_ranges.is_day_supported(view_range.previous)
        else None,
        "following": view_range.following
        if view_ranges.is_day_supported(view_range.following)
        else None,
        "today": today,
        "hours": [clock_text.format_hour(hour) for hour in hours],
        "has_events": any(day["all"] for day in days),
        "holds_today": view_range.first <= today <= view_range.last,
    }


def _format_heading(view_range: ViewRange) -> str:
    match view_range.view:
        case "month":
            return clock_text.format_month(view_range.day)
        case "day":
            return clock_text.format_long_day(view_range.day)
        case _:
            return clock_text.format_days(view_range.first, view_range.last)


def find_cached_days(page_data: CalendarPageData, window: TimeWindow, tz: ZoneInfo) -> PageValues:
    """
    Return the first and last day that every cache covers wholly; caches begin and end in the
    middle of a day.
    """
    cached_calendars = [
        visible.calendar for visible in page_data.shown_calendars if not visible.calendar.is_local
    ]
    starts = [
        visible.cached_from for visible in cached_calendars if visible.cached_from is not None
    ]
    ends = [
        visible.cached_until for visible in cached_calendars if visible.cached_until is not None
    ]
    if not starts or not ends:
        return {"kept_from": None, "kept_until": None}
    begin, end = max(starts), min(ends)
    clock = timezones.to_local_time(begin, tz)
    first = clock.date() if clock.time() == time() else clock.date() + _DAY
    last = timezones.to_local_time(end, tz).date() - _DAY
    return {
        "kept_from": first if window.start < begin else None,
        "kept_until": last if window.end > end else None,
    }


def make_exact_window(view_range: ViewRange, tz: ZoneInfo) -> TimeWindow:
    """Return the window of the days in the displayed time zone."""
    return recurrence_expansion.make_time_window(
        _get_midnight(view_range.first, tz),
        _get_midnight(view_range.last + _DAY, tz),
        zone=tz.key,
    )


def _get_midnight(day: date, tz: ZoneInfo) -> datetime:
    return timezones.to_utc(datetime.combine(day, time()), tz)
