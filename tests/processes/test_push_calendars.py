"""Google tells of calendars by channels, and we look: real processes, real calls."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from integrations import connections
from integrations.models import (
    Calendar,
    Event,
    PurgeJob,
    PurgeStep,
    SyncWork,
    Watch,
    WatchStatus,
)
from tests.factories import as_agreed
from tests.integrations.google import ALICE_BOX, GoogleConnectBrowser
from tests.worlds.processes import wait_until

# Long enough that nothing in these tests comes by asking.
NEVER = "3600"
OURS = {
    "GOOGLE_CALENDAR_CHANNELS": "on",
    "CALENDAR_INTERVAL_SECONDS": NEVER,
    "PUSH_POLL_SECONDS": NEVER,
}
VERSION = as_agreed("calendar", "calendar-editing")
PATIENCE = 60.0

pytestmark = pytest.mark.scenario("P5")


@pytest.fixture
def pushed(world, alice, running):
    """Return connected calendars of which Google tells; the list and each of them by a channel."""
    browser = GoogleConnectBrowser(alice, world)
    address = browser.begin(product="calendar", version=VERSION)
    browser.arrive(world.consent(address, email=ALICE_BOX))
    for start in (running.web, running.beat, running.worker):
        start(**OURS)
    wait_until(
        lambda: (
            Calendar.objects.exists() and count_speaking_channels() == Calendar.objects.count() + 1
        )
    )
    wait_until_settled(world)
    return browser.attempt().connection.integrations.get()


def count_speaking_channels() -> int:
    """Return how many channels spoke, as each does first of all."""
    return Watch.objects.filter(status=WatchStatus.LIVE, last_event_at__isnull=False).count()


def wait_until_settled(world) -> None:
    wait_until(lambda: not world.pushes()["waiting"], within=PATIENCE)
    wait_until(lambda: not SyncWork.objects.exclude(lease_by=None).exists())


def meet(world) -> None:
    start = datetime.now(UTC) + timedelta(days=1)
    ends = {"start": start, "end": start + timedelta(hours=1)}
    world.put_event(
        ALICE_BOX,
        summary="told of",
        **{name: {"dateTime": at.isoformat(timespec="seconds")} for name, at in ends.items()},
    )


@pytest.mark.scenario("P6")
def test_events_arrive_because_they_were_told_twice_in_any_order_or_once_for_two(pushed, world):
    before = Event.objects.count()

    meet(world)

    wait_until(lambda: Event.objects.count() == before + 1, within=PATIENCE)
    wait_until_settled(world)
    assert {one["status"] for one in world.pushes()["sent"]} == {204}

    # In the same world, for it takes a while to begin: twice and in any order is once,
    world.dial(push_duplicates=1.0, push_disorder_seconds=0.5)
    for _ in range(4):
        meet(world)
    wait_until(lambda: Event.objects.count() == before + 5, within=PATIENCE)
    wait_until_settled(world)
    # and one that comes stands for one that was lost.
    world.dial(push_duplicates=0.0, push_disorder_seconds=0.0, push_loss=1.0)
    meet(world)
    world.dial(push_loss=0.0)
    meet(world)
    wait_until(lambda: Event.objects.count() == before + 7, within=PATIENCE)
    assert {one["status"] for one in world.pushes()["sent"]} == {204}


def test_what_nobody_looks_at_any_more_is_not_told_of(pushed, world):
    Calendar.objects.update(asked_at=timezone.now() - timedelta(days=3))
    SyncWork.objects.update(next_sync_at=timezone.now())

    wait_until(lambda: not Watch.objects.exists() and not world.pushes()["channels"])


@pytest.mark.scenario("P4", "X6")
@pytest.mark.invariant(5)
def test_after_a_disconnect_no_channel_is_open(pushed, world, running):
    assert len(world.pushes()["channels"]) == Calendar.objects.count() + 1
    connection = pushed.connection
    connections.disconnect_integration(
        integration_id=pushed.id,
        user_id=connection.user_id,
        organisation_id=connection.organisation_id,
        at=timezone.now(),
    )
    running.purger()

    wait_until(lambda: PurgeJob.objects.filter(step=PurgeStep.DONE).exists())

    assert PurgeJob.objects.get().watch_stop == "stopped"
    assert world.pushes()["channels"] == []
    assert not Watch.objects.exists()
