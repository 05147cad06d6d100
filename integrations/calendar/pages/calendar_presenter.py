"""From opened rows to what the page of calendars shows. Called inside the sink."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from integrations.calendar import occurrences
from integrations.calendar.calendar_access import Visible
from integrations.calendar.page_queries import Look
from integrations.formats import timezones
from integrations.formats.recurrence import expansion
from integrations.formats.recurrence.rrule_iter import Work
from integrations.providers import PROVIDERS
from limited_use.sinks.calendar import Opened, Shown

from . import calendar_colors, day_layout, display_timezone, view_ranges
from .day_presenter import ShownDays, find_urls
from .view_ranges import Span

_DAY: Final = timedelta(days=1)
# Quarters of an hour in which there is room for one line, which is the title's.
_BRIEF: Final = 3
# Steps that one page may take over all its series.
_WORK: Final = 200_000
Shape = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wish:
    """
    What somebody wants to see.

    :param day: None: today, where they are
    :param zone: None: that of their first calendar
    """

    view: str
    day: date | None
    zone: str | None
    at: datetime


def drawn(look: Look, wish: Wish) -> Callable[[Opened], Sequence[Shown]]:
    """Return how a sink makes the page of what a look found."""

    def make(opened: Opened) -> Sequence[Shown]:
        names, events = opened[: len(look.found)], opened[len(look.found) :]
        about = [orjson.loads(values["about"]) if "about" in values else {} for _, values in names]
        place = display_timezone.of(wish.zone, look.found, about)
        today = timezones.clock(wish.at, place).date()
        span = view_ranges.of(wish.view, wish.day or today)
        chosen = calendar_colors.of(str(words.get("colour") or "") for words in about)
        legend = _by_account(
            {**_legend(one, words, wish, place), "tone": tone, **_looked_at(one, look)}
            for one, words, tone in zip(look.found, about, chosen, strict=True)
        )
        inside = expansion.window(
            _midnight(span.first, place), _midnight(span.last + _DAY, place), zone=place.key
        )
        expanded = occurrences.expand(events, inside, work=Work(_WORK))
        days = day_layout.days(
            expanded.happenings,
            span.days,
            place=place,
            calendars={one["id"]: day_layout.Calendar(one["tone"], _called(one)) for one in legend},
        )
        hours = range(*day_layout.hours(days))
        _place_entries(days, hours)
        clear = {**_about(span, today, days, hours), **_reach(look, inside, place)}
        clear["unreadable"] = len(expanded.unreadable) + sum(
            one.calendar.unreadable_count for one in look.shown
        )
        shown = ShownDays(span.view, span.day, today, hours, find_urls()).make(days)
        return [Shown(clear, {"zone": place.key, "days": shown, "calendars": legend})]

    return make


def _legend(one: Visible, words: Mapping[str, Any], wish: Wish, place: ZoneInfo) -> Shape:
    until = one.expires_at
    return {
        "id": one.calendar.id,
        "name": words.get("name", ""),
        "has_name": bool(words.get("name")),
        "is_busy_only": not one.shows_details,
        "is_local": one.calendar.is_local,
        "is_current": one.is_current(wish.at),
        "until": None if until is None else timezones.clock(until, place),
        "unreadable": one.calendar.unreadable_count,
    }


def _looked_at(one: Visible, look: Look) -> Shape:
    sharer = "" if one.share is None else look.sharers.get(one.share.owner_id, "")
    return {
        "is_own": one.share is None,
        "sharer": sharer,
        "is_chosen": one in look.chosen,
        **_account(one),
    }


def _account(one: Visible) -> Shape:
    """Return whose account a calendar is of; to say an address here would be a use of it."""
    if one.share is not None:
        return {"account_id": None, "account": "Shared with me"}
    connection = one.calendar.integration.connection
    provider = PROVIDERS[connection.provider]
    if not provider.grants:
        return {"account_id": connection.id, "account": "Kept here"}
    since = connection.connected_at
    words = f"{provider.label}, connected {since.day} {since:%b %Y}"
    return {"account_id": connection.id, "account": words}


def _by_account(legend: Iterable[Shape]) -> list[Shape]:
    """Return calendars with those of one account beside each other, in the order they came."""
    by_account: dict[UUID | None, list[Shape]] = {}
    for one in legend:
        by_account.setdefault(one["account_id"], []).append(one)
    return [one for several in by_account.values() for one in several]


def _called(one: Shape) -> str:
    """Return what an entry's calendar is called for who cannot see its colour."""
    name = one["name"] or ("Busy times" if one["is_busy_only"] else "Calendar")
    return name if one["is_own"] else f"{name}, shared by {one['sharer']}"


def _place_entries(days: Sequence[Shape], hours: range) -> None:
    """Give each timed entry the row that it begins at, and its length in rows."""
    for entry in (entry for day in days for entry in day["timed"]):
        length = entry["after"] - entry["at"]
        entry |= {
            "row": entry["at"] - hours.start * 4 + 1,
            "length": length,
            "is_brief": length <= _BRIEF,
        }


def _about(span: Span, today: date, days: Sequence[Shape], hours: range) -> Shape:
    return {
        "view": span.view,
        "day": span.day,
        "first": span.first,
        "last": span.last,
        "previous": span.previous if view_ranges.is_possible(span.previous) else None,
        "following": span.following if view_ranges.is_possible(span.following) else None,
        "today": today,
        "hours": [str(hour) for hour in hours],
        "has_events": any(day["all"] for day in days),
        "holds_today": span.first <= today <= span.last,
    }


def _reach(look: Look, inside: expansion.Window, place: ZoneInfo) -> Shape:
    """
    Return the first and the last day that every copy holds, where the page shows more than that.

    Copies begin and end at different times, in the middle of a day.
    """
    copies = [one.calendar for one in look.shown if not one.calendar.is_local]
    begins = [one.cached_from for one in copies if one.cached_from is not None]
    ends = [one.cached_until for one in copies if one.cached_until is not None]
    if not begins or not ends:
        return {"kept_from": None, "kept_until": None}
    begin, end = max(begins), min(ends)
    clock = timezones.clock(begin, place)
    first = clock.date() if clock.time() == time() else clock.date() + _DAY
    last = timezones.clock(end, place).date() - _DAY
    return {
        "kept_from": first if inside.start < begin else None,
        "kept_until": last if inside.end > end else None,
    }


def _midnight(day: date, place: ZoneInfo) -> datetime:
    return timezones.at(datetime.combine(day, time()), place)
