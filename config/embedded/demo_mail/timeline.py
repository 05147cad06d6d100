"""Times of the demo, relative to its start, and the dates in its texts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from config.embedded.demo_calendars import build_demo_events
from config.embedded.demo_cast import BERLIN
from config.embedded.demo_event import DemoEvent, add_working_days, get_monday

_WEEKDAYS: Final = (
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
)  # fmt: skip
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_PLACEHOLDER: Final = re.compile(r"\{(day|weekday|month|event(?:-\w+)?)\s+([^}]+)\}")


class Timeline:
    """
    A day is written `5d` (five days ago), `+5d` (in five days), `5b` and `+5b` (in working days),
    `mon+2` (two days after Monday of this week). A time is a day and a clock time, `5b 09:30`, or
    minutes before the start, `25m`.
    """

    def __init__(self, start: datetime) -> None:
        self.start = start.replace(second=0, microsecond=0)
        self.today = start.astimezone(ZoneInfo(BERLIN)).date()
        self.events: Mapping[str, DemoEvent] = build_demo_events(self.today)

    def resolve_day(self, token: str) -> date:
        if token.startswith("mon"):
            return get_monday(self.today) + timedelta(days=int(token[3:]))
        sign = 1 if token.startswith("+") else -1
        count, unit = int(token[:-1].lstrip("+")), token[-1]
        if unit == "d":
            return self.today + timedelta(days=sign * count)
        if unit != "b":
            raise ValueError(token)
        return add_working_days(self.today, sign * count)

    def resolve_moment(self, token: str, zone: str) -> datetime:
        """Return the moment in `zone`."""
        day, _, clock = token.partition(" ")
        if not clock:
            moment = self.start - timedelta(minutes=int(day.removesuffix("m")))
            return moment.astimezone(ZoneInfo(zone))
        return datetime.combine(
            self.resolve_day(day), time.fromisoformat(clock), tzinfo=ZoneInfo(zone)
        )

    def fill_dates(self, text: str) -> str:
        """Replace the placeholders of `text`: {day 5b}, {month -1}, {event dentist}, …"""
        return _PLACEHOLDER.sub(lambda match: self._format(match[1], match[2]), text)

    def _format(self, kind: str, token: str) -> str:
        if kind == "month":
            month = self.today.year * 12 + self.today.month - 1 + int(token)
            return f"{_MONTHS[month % 12]} {month // 12}"
        if not kind.startswith("event"):
            day = self.resolve_day(token)
            return _WEEKDAYS[day.weekday()] if kind == "weekday" else format_day(day)
        event = self.events[token]
        if kind == "event-weekday":
            return _WEEKDAYS[event.first_day.weekday()]
        if kind == "event-end":
            return format_day(event.last_day)
        if kind == "event-day" or not isinstance(event.start, datetime):
            return format_day(event.first_day)
        return f"{format_day(event.first_day)}, {event.start:%H:%M}"


def format_day(day: date) -> str:
    return f"{_WEEKDAYS[day.weekday()]}, {day.day} {_MONTHS[day.month - 1]}"


def format_citation(moment: datetime) -> str:
    """Return the moment as a reply cites it."""
    weekday, month = _WEEKDAYS[moment.weekday()][:3], _MONTHS[moment.month - 1][:3]
    return f"{weekday}, {moment.day} {month} {moment.year} at {moment:%H:%M}"


def to_milliseconds(moment: datetime) -> int:
    return int(moment.astimezone(UTC).timestamp()) * 1000
