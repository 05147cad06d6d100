"""Alice with a calendar that lives here; what is in it as its owner is shown it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson

from config.process_classes import ProcessClass
from integrations.access.request_context import Asked
from integrations.calendar import agenda, local_calendars, local_events
from integrations.calendar.local_calendars import About
from integrations.calendar.local_event_types import Kept, Write, Written
from integrations.formats.event import EventContent, When
from integrations.formats.recurrence.series_edits import Whole
from limited_use.policy.features import FEATURES
from tests.integrations.calendar_house import NOW
from tests.walls import acting_as

BERLIN = "Europe/Berlin"


def begun(actor, name: str = "Family", zone: str = BERLIN):
    version = FEATURES["local-calendar"].version
    with acting_as(ProcessClass.WEB, actor):
        return local_calendars.create(actor=actor, about=About(name, zone), version=version, at=NOW)


def event(title: str, at: datetime, *, hours: float = 1, zone: str = BERLIN, **more):
    end = at + timedelta(hours=hours)
    return EventContent(
        title=title, start=When(at=at, zone=zone), end=When(at=end, zone=zone), **more
    )


def kept(uid: str, content: EventContent, exceptions=None, **more) -> Kept:
    return Kept(uid=uid, whole=Whole(content, exceptions or {}), **more)


def write(actor, calendar_id, *put: Kept, at: datetime = NOW, **more) -> Written:
    with acting_as(ProcessClass.WEB, actor):
        written = local_events.keep(
            actor=actor, writes={calendar_id: Write(put=put, **more)}, at=at
        )
    return written[calendar_id]


def shown(actor, start: datetime, end: datetime, *, zone: str = BERLIN) -> list[dict]:
    """Return what happens, as the API tells its owner."""
    asked = Asked(actor, actor.user_id, NOW)
    inside = agenda.window(start, end, zone=zone)
    with acting_as(ProcessClass.WEB, actor):
        answer = agenda.list_events(asked, inside, limit=200, envelope={})
    return orjson.loads(answer)["data"]


def titles(actor, start: datetime, end: datetime) -> list[tuple[str, str]]:
    return [
        (f"{datetime.fromisoformat(one['when']['start']):%d %H:%M}", one["title"])
        for one in shown(actor, start, end)
    ]


def utc(day: int, hour: int = 9, minute: int = 0, *, month: int = 6) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)
