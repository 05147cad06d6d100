"""Google tells, and we look: real processes, real notifications, nobody asks in between."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations import connections
from integrations.models import (
    Integration,
    Message,
    PurgeJob,
    PurgeStep,
    SyncWork,
    Watch,
    WatchStatus,
)
from tests.integrations.google import ALICE_BOX, GoogleConnectBrowser
from tests.worlds.processes import wait_until

TOPIC = "projects/sandbox-project/topics/gmail"
ACCOUNT = "push@antares-test.iam.gserviceaccount.com"
# Long enough that nothing in these tests comes by asking.
NEVER = "3600"
PATIENCE = 60.0

pytestmark = pytest.mark.scenario("P5")


@pytest.fixture
def pushed(world, alice, running, settings):
    """Return a connected mailbox of which Google tells; one web process, one worker."""
    hook = f"{settings.PUBLIC_URL}/webhooks/google/pubsub"
    ours = {
        "GOOGLE_PUBSUB_TOPIC": TOPIC,
        "GOOGLE_PUSH_ACCOUNT": ACCOUNT,
        "GOOGLE_PUSH_AUDIENCE": hook,
        "SYNC_INTERVAL_SECONDS": NEVER,
        "PUSH_POLL_SECONDS": NEVER,
    }
    world.subscribe(TOPIC, hook, account=ACCOUNT)
    integration = GoogleConnectBrowser(alice, world).connect().connection.integrations.get()
    running.web(**ours)
    running.beat(**ours)
    running.worker(**ours)
    wait_until(lambda: Message.objects.count() == len(list_provider_ids(world)) and is_told())
    wait_until_pushed(world)
    wait_until(set_watches_back)
    return integration


def set_watches_back() -> bool:
    """Let what was told lie back so far that nothing is looked for because of it."""
    now = timezone.now()
    Watch.objects.update(
        started_at=now - timedelta(minutes=2), last_event_at=now - timedelta(minutes=1)
    )
    idle = SyncWork.objects.filter(lease_by=None, last_synced_at__isnull=False)
    return bool(idle.update(next_sync_at=now + timedelta(hours=1)))


def list_provider_ids(world) -> list:
    shown = world.mailbox(ALICE_BOX)["messages"]
    return [one["id"] for one in shown if not {"SPAM", "TRASH"} & set(one["labelIds"])]


def is_told() -> bool:
    """Return whether the first word, which comes with the watch, was heard."""
    return Watch.objects.filter(status=WatchStatus.LIVE, last_event_at__isnull=False).exists()


def wait_for_messages(world) -> None:
    expected = len(list_provider_ids(world))
    wait_until(lambda: Message.objects.count() == expected, within=PATIENCE)


def statuses(world) -> list[int]:
    return [one["status"] for one in world.pushes()["sent"]]


def wait_until_pushed(world) -> None:
    wait_until(lambda: not world.pushes()["waiting"], within=PATIENCE)


@pytest.mark.scenario("P6")
def test_news_arrives_once_if_it_is_told_once_twice_or_by_another_that_comes(pushed, world):
    world.deliver(ALICE_BOX, subject="news")
    wait_for_messages(world)
    wait_until_pushed(world)

    world.dial(push_duplicates=1.0, push_disorder_seconds=0.5)
    for _ in range(8):
        world.deliver(ALICE_BOX)
    wait_until_pushed(world)
    wait_for_messages(world)

    world.dial(push_duplicates=0.0, push_disorder_seconds=0.0, push_loss=1.0)
    world.deliver(ALICE_BOX)
    world.deliver(ALICE_BOX)
    world.dial(push_loss=0.0)
    world.deliver(ALICE_BOX)
    wait_for_messages(world)

    assert set(statuses(world)) == {204}


@pytest.mark.scenario("P6")
def test_the_only_web_process_answers_while_the_worker_waits_for_the_provider(pushed, world):
    # Whatever the worker asks takes longer than Google would wait for us.
    world.dial(latency_seconds=1.0)
    for _ in range(5):
        world.deliver(ALICE_BOX)
    wait_until_pushed(world)

    assert set(statuses(world)) == {204}
    assert all(one["tries"] == 1 for one in world.pushes()["sent"])
    wait_for_messages(world)


FLAWS = ("iss", "aud", "email", "unverified", "expired", "signature", "kid")


def test_forged_ones_are_refused_and_cost_nothing(pushed, world):
    for flaw in FLAWS:
        before = len(statuses(world))
        world.dial(push_flaw=flaw)
        world.deliver(ALICE_BOX)
        wait_until(lambda seen=before: len(statuses(world)) > seen, within=PATIENCE)

        assert set(statuses(world)[before:]) == {403}, flaw
    # Told by somebody who may: nothing was lost by refusing.
    world.dial(push_flaw="")
    world.deliver(ALICE_BOX)
    wait_for_messages(world)


@pytest.mark.scenario("P4")
@pytest.mark.invariant(5)
def test_after_a_disconnect_they_are_heard_and_dropped(pushed, world, running):
    connection = pushed.connection
    connections.disconnect_integration(
        integration_id=pushed.id,
        user_id=connection.user_id,
        organisation_id=connection.organisation_id,
        at=timezone.now(),
    )
    running.purger()
    wait_until(lambda: PurgeJob.objects.filter(step=PurgeStep.DONE).exists())
    world.clear_journal()
    name = TOPIC.replace("/topics/", "/subscriptions/")
    before = len(statuses(world))
    for _ in range(3):
        world.publish(name, emailAddress=ALICE_BOX, historyId=9_999_999)
    wait_until(lambda: len(statuses(world)) >= before + 3, within=PATIENCE)

    assert set(statuses(world)[before:]) == {204}
    assert PurgeJob.objects.get().watch_stop == "stopped"
    assert not Watch.objects.exists()
    assert not Message.objects.exists()
    # Nobody asked the provider anything about it.
    assert world.requests("/gmail") == []
    assert Integration.objects.get().status == "purged"
