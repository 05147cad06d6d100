"""A hundred people ask for one calendar whose copy is too old: its provider is asked once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from django.db import connections as databases
from django.utils import timezone

from integrations.access.request_context import RequestContext
from integrations.calendar import agenda
from integrations.calendar.sync import get_calendar_work_resource
from integrations.coordination.leases import NotClaimable
from integrations.models import Calendar, SyncWork
from integrations.operations.sync_products import PRODUCTS
from integrations.sync import sync_engine
from tests.fakes.calendars import FakeCalendars
from tests.integrations import calendar_house as houses
from tests.integrations.calendar_house import meeting, moment
from tests.integrations.sync.conftest import keyring

__all__ = ["keyring"]

pytestmark = pytest.mark.django_db(transaction=True)
VIEWERS, AT_ONCE, WORKERS = 100, 20, 4


@dataclass
class Counted(FakeCalendars):
    """A provider that counts how often it is asked for events."""

    asked: list[str] = field(default_factory=list)

    def __getattribute__(self, name):
        # What the adapter looks at once for each call for events.
        if name == "forgotten":
            object.__getattribute__(self, "asked").append(name)
        return object.__getattribute__(self, name)


@pytest.fixture
def account(monkeypatch):
    return houses.provided(monkeypatch, Counted("alice@gmail.example"))


@pytest.fixture
def alice(transactional_db, account):
    house = houses.calendar_house(at=timezone.now())
    account.put(meeting(moment(2), "Review"))
    house.sync()
    return house


def take_due_syncs(calendar, over: threading.Event) -> int:
    """Take whatever is due of one calendar, as a worker does; return how often there was some."""
    count = 0
    try:
        while not over.is_set():
            row = SyncWork.objects.get(resource=get_calendar_work_resource(calendar.id))
            try:
                sync_engine.run_sync_turn(PRODUCTS, work_id=row.id, at=timezone.now())
                count += 1
            except NotClaimable:
                over.wait(0.01)
    finally:
        databases.close_all()
    return count


def count_viewed_rows(house) -> int:
    """Return how many rows a viewer is given of the window."""
    try:
        at = timezone.now()
        inside = agenda.build_window(at - timedelta(days=2), at + timedelta(days=9), zone="UTC")
        return len(agenda.read_window(RequestContext(house.actor, house.user.id, at), inside).rows)
    finally:
        databases.close_all()


@pytest.mark.scenario("C1")
@pytest.mark.clause("AN-5")
def test_a_hundred_viewers_of_an_old_copy_make_one_call(alice, account):
    calendar = alice.primary
    account.put(meeting(moment(3), "Lunch"))
    old = timezone.now() - timedelta(days=2)
    Calendar.objects.filter(id=calendar.id).update(cached_at=old)
    SyncWork.objects.update(next_sync_at=timezone.now() + timedelta(hours=1))
    account.asked.clear()
    over = threading.Event()
    with ThreadPoolExecutor(AT_ONCE + WORKERS) as pool:
        workers = [pool.submit(take_due_syncs, calendar, over) for _ in range(WORKERS)]
        try:
            seen = list(pool.map(count_viewed_rows, [alice] * VIEWERS))
        finally:
            over.set()

    # Nobody was shown less than what is there now.
    assert set(seen) == {2}
    assert len(account.asked) == sum(one.result() for one in workers) == 1
