"""One event of the demo's calendars, and the days around the demo's start."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from config.embedded.demo_cast import BERLIN, CAST

Event = Mapping[str, Any]
_ACCEPTED: Final = "accepted"
_SATURDAY: Final = 5


@dataclass(frozen=True, slots=True)
class DemoEvent:
    """
    :param key: name in the conversation files
    :param start: a day for all-day events; `end` is then the day after the last
    :param attendees: keys, the organizer's among them; empty if nobody was invited
    :param answers: by key of the attendee; an attendee without one has accepted
    :param more: further fields of Google's resource
    """

    key: str
    summary: str
    start: datetime | date
    end: datetime | date
    attendees: tuple[str, ...] = ()
    answers: Mapping[str, str] = field(default_factory=dict)
    location: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def first_day(self) -> date:
        return self.start.date() if isinstance(self.start, datetime) else self.start

    @property
    def last_day(self) -> date:
        return self.end.date() if isinstance(self.end, datetime) else self.end - timedelta(days=1)

    @property
    def organizer(self) -> str:
        return self.attendees[0]

    @property
    def uid(self) -> str:
        return f"{self.key}-{self.first_day:%Y%m%d}@antares.example"

    def to_resource(self, owner: str) -> Event:
        """Return Google's resource, as the calendar of `owner` has it."""
        digest = hashlib.sha256(f"{owner} {self.uid}".encode()).hexdigest()
        resource: dict[str, Any] = {
            "id": digest[:26],
            "iCalUID": self.uid,
            "summary": self.summary,
            "start": _format_time(self.start),
            "end": _format_time(self.end),
            **self.more,
        }
        if self.location:
            resource["location"] = self.location
        if self.attendees:
            resource["organizer"] = _format_person(self.organizer, owner)
            resource["attendees"] = [
                {
                    **_format_person(key, owner),
                    "responseStatus": self.answers.get(key, _ACCEPTED),
                    **({"organizer": True} if key == self.organizer else {}),
                }
                for key in self.attendees
            ]
        return resource


def _format_time(moment: datetime | date) -> dict[str, str]:
    if isinstance(moment, datetime):
        return {"dateTime": moment.isoformat(), "timeZone": str(moment.tzinfo)}
    return {"date": moment.isoformat()}


def _format_person(key: str, owner: str) -> dict[str, Any]:
    person = {"email": CAST[key].email, "displayName": CAST[key].name}
    return {**person, "self": True} if key == owner else person


def get_monday(today: date) -> date:
    return today - timedelta(days=today.weekday())


def add_working_days(today: date, count: int) -> date:
    """Return the working day `count` after today, or before if negative; today itself for 0."""
    day, step = today, timedelta(days=1 if count > 0 else -1)
    left = abs(count)
    while left:
        day += step
        left -= day.weekday() < _SATURDAY
    return day


def build_event(  # noqa: PLR0913 - one event in full
    key: str, summary: str, day: date, clock: str, minutes: int, *, zone: str = BERLIN, **more: Any
) -> DemoEvent:
    start = datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=ZoneInfo(zone))
    return _make_event(key, summary, start, start + timedelta(minutes=minutes), more)


def build_day_event(key: str, summary: str, first: date, count: int, **more: Any) -> DemoEvent:
    return _make_event(key, summary, first, first + timedelta(days=count), more)


def _make_event(
    key: str, summary: str, start: datetime | date, end: datetime | date, more: dict[str, Any]
) -> DemoEvent:
    own = {name: more.pop(name) for name in ("attendees", "answers", "location") if name in more}
    return DemoEvent(key, summary, start, end, more=more, **own)
