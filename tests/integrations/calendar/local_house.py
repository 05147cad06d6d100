"""Alice with a calendar that lives here; what is in it as its owner is shown it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson

from config.process_classes import ProcessClass
from integrations.access.request_context import RequestContext
from integrations.calendar import agenda, local_calendars, local_events
from integrations.calendar.local_calendars import LocalCalendarProperties
from integrations.calendar.local_event_types import CalendarWrite, LocalEventInput, LocalWriteResult
from integrations.formats.event_content import EventContent, When
from integrations.formats.recurrence.series_edits import SeriesWithExceptions
from limited_use.policy.feature_registry import FEATURES
from tests.integrations.calendar_house import NOW
from tests.walls import acting_as

BERLIN = "Europe/Berlin"


def create_local_calendar(actor, name: str = "Family", zone: str = BERLIN):
    version = FEATURES["local-calendar"].version
    with acting_as(ProcessClass.WEB, actor):
        return local_calendars.create_local_calendar(
            actor=actor, properties=LocalCalendarProperties(name, zone), version=version, at=NOW
        )


def event(title: str, at: datetime, *, hours: float = 1, zone: str = BERLIN, **more):
    end = at + timedelta(hours=hours)
    return EventContent(
        title=title, start=When(at=at, zone=zone), end=When(at=end, zone=zone), **more
    )


def make_local_input(uid: str, content: EventContent, exceptions=None, **more) -> LocalEventInput:
    return LocalEventInput(uid=uid, series=SeriesWithExceptions(content, exceptions or {}), **more)


def write_events(
    actor, calendar_id, *put: LocalEventInput, at: datetime = NOW, **more
) -> LocalWriteResult:
    with acting_as(ProcessClass.WEB, actor):
        written = local_events.write_local_events(
            actor=actor, writes={calendar_id: CalendarWrite(put=put, **more)}, at=at
        )
    return written[calendar_id]


def list_shown_events(actor, start: datetime, end: datetime, *, zone: str = BERLIN) -> list[dict]:
    """Return what happens, as the API tells its owner."""
    asked = RequestContext(actor, actor.user_id, NOW)
    inside = agenda.build_window(start, end, zone=zone)
    with acting_as(ProcessClass.WEB, actor):
        answer = agenda.get_event_page_json(asked, inside, limit=200, envelope={})
    return orjson.loads(answer)["data"]


def titles(actor, start: datetime, end: datetime) -> list[tuple[str, str]]:
    return [
        (f"{datetime.fromisoformat(one['when']['start']):%d %H:%M}", one["title"])
        for one in list_shown_events(actor, start, end)
    ]


def utc(day: int, hour: int = 9, minute: int = 0, *, month: int = 6) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)
