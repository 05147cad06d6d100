"""An event that its owner writes while a sync brings it in: one row, and no error for either."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest
from django.db import connection, transaction
from django.db import connections as databases
from django.utils import timezone

from accounts import row_owner
from integrations.access import fences
from integrations.access.request_context import RequestContext
from integrations.calendar.events import event_access, event_service
from integrations.calendar.events.event_drafts import EventDraft
from integrations.calendar.sync import event_descriptions, event_store
from integrations.formats.event_content import When
from integrations.grants import provider_calls
from integrations.models import Connection, Event
from integrations.operations.sync_products import PRODUCTS
from integrations.providers.google.google_config import GOOGLE
from integrations.sync import sync_engine
from limited_use.vault import sealing
from tests.api import cast
from tests.api.calendars.asking import ok
from tests.api.calendars.test_repeating import at_provider
from tests.api.calendars.test_writing import create_event, make_event_body, problem
from tests.factories import make_access
from tests.fakes.calendars import FakeCalendarAdapter, FakeCalendars
from tests.integrations import calendar_house as houses
from tests.integrations.calendar_house import meeting, moment
from tests.integrations.sync.conftest import keyring

__all__ = ["keyring"]

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.scenario("C3"),
    pytest.mark.invariant(9),
]


@pytest.fixture
def account(monkeypatch):
    return houses.provided(monkeypatch, FakeCalendars("alice@gmail.example"))


@pytest.fixture
def alice(transactional_db, account, monkeypatch):
    house = houses.calendar_house(at=timezone.now())
    house.sync()
    scopes = sorted(GOOGLE.list_scopes_for(frozenset({"calendar.read", "calendar.write"})))
    Connection.objects.filter(id=house.integration.connection_id).update(granted_scopes=scopes)
    monkeypatch.setattr(provider_calls, "request_refresh", lambda _: None)
    return house


def bring_in(house, account) -> None:
    """Write what is at the provider, as whoever holds the fence does."""
    calendar = house.primary
    window = calendar.cached_from, calendar.cached_until
    page = FakeCalendarAdapter(account, make_access()).list_events(account.email, window=window)
    sealer = sealing.get_sealer(holder=calendar.cache_id, epoch=house.integration.epoch)
    batch = event_store.prepare_event_batch(
        page,
        calendar=calendar,
        sealer=sealer,
        window=window,
        descriptions=event_descriptions.sanitize_descriptions(page.events),
    )
    event_store.write_event_batch(batch, at=timezone.now())


@contextmanager
def at_the_fence(house, work):
    """Hold the fence until `work` waits for it, and for the length of the block; then let it in."""

    def done():
        try:
            with row_owner.acting_for(house.user.id, house.organisation.id):
                return work()
        finally:
            databases.close_all()

    found = []
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            fences.lock_integration(
                integration_id=house.integration.id, epoch=house.integration.epoch
            )
            doing = pool.submit(done)
            ends_at = time.monotonic() + 20
            while not _waits() and not doing.done():
                assert time.monotonic() < ends_at, "it never came to the fence"
                time.sleep(0.01)
            yield found
        found.append(doing.result(20))


def _waits() -> bool:
    """Return whether somebody waits for what this connection holds."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks"
            " WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
        )
        return bool(cursor.fetchone()[0])


def test_what_a_sync_brought_in_meanwhile_is_the_event_that_was_written(alice, account):
    draft = EventDraft(title="New", start=When(at=moment(4), zone="UTC"),
                  end=When(at=moment(4, 10), zone="UTC"))  # fmt: skip
    asked = RequestContext(alice.actor, alice.user.id, timezone.now())
    calendar_id = alice.primary.id

    def write():
        seen = event_access.find_writable_calendar(asked, calendar_id)
        return event_service.create(asked, seen, draft, key="key-00000001")

    with at_the_fence(alice, write) as found:
        bring_in(alice, account)

    assert [one.event_id for one in found] == [str(Event.objects.get().id)]


def test_a_page_that_was_overtaken_by_a_write_is_written_all_the_same(alice, account):
    account.put(meeting(moment(3), "Review"))
    work = alice.work_of(alice.primary)
    type(work).objects.filter(id=work.id).update(next_sync_at=timezone.now())

    with at_the_fence(
        alice, lambda: sync_engine.run_sync_turn(PRODUCTS, work_id=work.id, at=timezone.now())
    ):
        bring_in(alice, account)
        written = Event.objects.get()
        account.put(meeting(moment(4), "Later"))

    work.refresh_from_db()
    assert work.failure_count == 0
    assert Event.objects.get().id == written.id
    assert alice.titles() == ["Review"]


@pytest.mark.claim("write.busy")
def test_a_lock_that_is_held_too_long_is_told_and_the_same_again_is_done_once(alice, account):
    hers = cast.browser(alice.user)
    given = {name: connection.get_connection_params()[name] for name in ("dbname", "user", "host")}
    given |= {"port": connection.settings_dict["PORT"]}
    with psycopg.connect(**given, password=connection.settings_dict["PASSWORD"]) as other:
        lock = "SELECT 1 FROM integrations_integration FOR UPDATE"
        account.before_answer = lambda: other.execute(lock)
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '50ms'")
        problem(create_event(hers, make_event_body(alice)), 503, "busy")
    account.before_answer = lambda: None

    made = ok(create_event(hers, make_event_body(alice)), 201)

    assert at_provider(account) == ["New"]
    assert made["id"] == str(Event.objects.get().id)
    # Another test may have this connection.
    connection.close()
