"""Alice with connected calendars, as a connect leaves them; a test says what her provider has."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import orjson

from config.process_classes import ProcessClass
from integrations import providers
from integrations.access import calendar_permits
from integrations.access.calendar_permits import CalendarViewRequest
from integrations.calendar.sync import LIST_RESOURCE, get_calendar_work_resource
from integrations.formats.event_content import EventContent, When
from integrations.models import Calendar, Event, SyncWork
from integrations.operations.sync_products import PRODUCTS
from integrations.sync import sync_engine
from limited_use.policy.policy_vocabulary import DataClass
from limited_use.sinks import calendar_sink as agenda
from limited_use.sinks.sealed_rows import SealedRow
from tests.fakes.calendars import FakeCalendarAdapter, FakeCalendars
from tests.integrations.household import Household, household
from tests.walls import acting_as

BOTH = (DataClass.CALENDAR_FREEBUSY, DataClass.CALENDAR_EVENT)
FEATURES = ("calendar", "calendar-editing")


def provided(monkeypatch, account: FakeCalendars) -> FakeCalendars:
    """Put calendars in memory where the provider's adapter is opened."""

    @contextmanager
    def open_fake(access):
        access.token()
        yield FakeCalendarAdapter(account, access)

    google = replace(providers.PROVIDERS["google"], open_calendars=open_fake)
    monkeypatch.setitem(providers.PROVIDERS, "google", google)
    return account


# Tokens run out by the machine's clock, so that what is now is what it says.
NOW = datetime.now(UTC).replace(microsecond=0)


def moment(day: int, hour: int = 9) -> datetime:
    """Return an hour of a day from today on, which is the first."""
    return NOW.replace(hour=hour, minute=0, second=0) + timedelta(days=day - 1)


def meeting(at: datetime, title: str = "Review", *, hours: float = 1, **more) -> EventContent:
    zone = more.pop("zone", "Europe/Berlin")
    end = at + timedelta(hours=hours)
    return EventContent(
        title=title, start=When(at=at, zone=zone), end=When(at=end, zone=zone), **more
    )


@dataclass
class CalendarHouse:
    """A household whose integration is of calendars."""

    house: Household

    def __getattr__(self, name):
        return getattr(self.house, name)

    @property
    def calendars(self):
        return Calendar.objects.filter(integration=self.house.integration).order_by(
            "-is_primary", "id"
        )

    @property
    def primary(self) -> Calendar:
        return self.calendars.select_related("integration").get(is_primary=True)

    @property
    def events(self):
        return Event.objects.filter(integration_id=self.house.integration.id)

    def run(self, resource: str, *, at: datetime | None = None) -> bool:
        """One turn at one work, due now, with the rights of a worker that syncs."""
        at = at or self.house.at
        work = SyncWork.objects.get(integration=self.house.integration, resource=resource)
        SyncWork.objects.filter(id=work.id).update(next_sync_at=at)
        with acting_as(ProcessClass.SYNC):
            return sync_engine.run_sync_turn(PRODUCTS, work_id=work.id, at=at)

    def sync(self, *, at: datetime | None = None) -> None:
        """List the calendars, and bring each one's copy up to date."""
        while self.run(LIST_RESOURCE, at=at):
            pass
        for calendar in list(self.calendars.live().filter(cleared_at=None)):
            while self.run(get_calendar_work_resource(calendar.id), at=at):
                pass

    def work_of(self, calendar: Calendar) -> SyncWork:
        return SyncWork.objects.get(resource=get_calendar_work_resource(calendar.id))

    def opened(self, calendar: Calendar | None = None, *, at: datetime | None = None) -> list[dict]:
        """Return every event of a calendar as its owner's sink opens it, by our id."""
        calendar = calendar or self.primary
        at = at or self.house.at
        found = list(Event.objects.filter(calendar=calendar).order_by("id"))
        permits = calendar_permits.to_view(
            actor=self.house.actor,
            view_requests=[CalendarViewRequest(calendar, BOTH, count=len(found))],
            at=at,
        )
        rows = [
            SealedRow(one, {"timing": one.timing, "content": one.content, "remote": one.remote})
            for one in found
        ]
        answer = agenda.calendar_json(
            rows, permits=permits, viewer=self.house.actor, make=_open_plainly, at=at
        )
        return orjson.loads(answer)

    def titles(self, calendar: Calendar | None = None, *, at: datetime | None = None) -> list[str]:
        found = self.opened(calendar, at=at)
        return sorted(one["content"]["title"] for one in found if one["content"])


def _open_plainly(opened):
    return [
        {
            "kind": row.kind,
            "timing": orjson.loads(values["timing"]),
            "content": orjson.loads(values["content"]) if "content" in values else None,
            "remote": orjson.loads(values["remote"]) if "remote" in values else None,
        }
        for row, values in opened
    ]


def calendar_house(*, at: datetime, **more) -> CalendarHouse:
    return CalendarHouse(
        household(at=at, product="calendar", features=FEATURES, horizon_days=None, **more)
    )


def make_second_house(whose) -> CalendarHouse:
    """Return another account of a person who agreed to everything before, brought in."""
    house = CalendarHouse(
        household(at=NOW, product="calendar", features=(), horizon_days=None, who=whose)
    )
    house.sync()
    return house
