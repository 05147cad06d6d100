"""When a watch starts, the sync of its resource is due: nobody was told of what changed before."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from config.process_classes import ProcessClass
from integrations import push
from integrations.models import SyncWork, Watch
from integrations.operations.sync_products import PRODUCTS
from integrations.push.watch_worker import OVERLAP
from integrations.sync import sync_engine, work_leases
from integrations.tasks import watches as tasks
from tests.broker import record_messages, sync_message
from tests.integrations.push.conftest import (
    CALENDAR,
    list_watches,
    open_purge_job,
    reconcile_due_watches,
)
from tests.walls import acting_as

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def queued(monkeypatch):
    """Return the messages that were enqueued."""
    return record_messages(monkeypatch)


@pytest.fixture
def settled(alice, clock):
    """Return Alice, whose mailbox was synced and is not watched yet."""
    alice.settle()
    clock.at = timezone.now()
    return alice


def see_to_watches() -> None:
    """Do what a worker does with each watch that the sweep finds."""
    with acting_as(ProcessClass.SYNC):
        for watch_id in push.get_due_watch_ids(at=timezone.now()):
            tasks.keep_watch(watch_id=str(watch_id))


def postpone_sync(**values) -> None:
    SyncWork.objects.update(next_sync_at=timezone.now() + HOUR, **values)


def next_turn() -> None:
    """Do the work that is due now."""
    with acting_as(ProcessClass.SYNC):
        for work_id in work_leases.get_due_ids(at=timezone.now()):
            sync_engine.run_sync_turn(PRODUCTS, work_id=work_id, at=timezone.now())


@pytest.mark.scenario("P3")
class TestWatchOfMailbox:
    def test_has_a_message_of_the_gap_after_the_next_turn(self, settled, mailbox, queued):
        before = settled.messages.count()
        postpone_sync()
        mailbox.deliver()

        see_to_watches()
        next_turn()

        assert settled.messages.count() == before + 1
        assert queued == [sync_message(settled.work)]

    @pytest.mark.parametrize("ended", [{"expires_at": None}, {"lookup_blind": b"x" * 32}])
    def test_is_due_after_its_watch_ended_and_after_it_was_renamed(
        self, settled, mailbox, queued, ended
    ):
        see_to_watches()
        before = settled.messages.count()
        postpone_sync()
        mailbox.deliver()
        if "expires_at" in ended:
            ended = {"expires_at": timezone.now() - HOUR}
        Watch.objects.update(due_at=timezone.now(), **ended)
        queued.clear()

        see_to_watches()
        next_turn()

        assert settled.messages.count() == before + 1
        assert len(queued) == 1

    def test_is_not_due_when_its_watch_is_renewed_in_time(self, settled, queued):
        see_to_watches()
        postpone_sync()
        Watch.objects.update(due_at=timezone.now())
        queued.clear()

        see_to_watches()

        assert settled.work.next_sync_at > timezone.now() + HOUR / 2
        assert queued == []


class TestAChannel:
    @pytest.fixture(autouse=True)
    def without_mailboxes(self, settings):
        settings.PUSH = replace(settings.PUSH, pubsub_topic="", pubsub_account="")

    def test_makes_its_calendar_due_and_the_next_one_beside_it_does_not(
        self, calendars, provider, queued, clock
    ):
        postpone_sync()
        reconcile_due_watches(clock)
        work = SyncWork.objects.get(integration=calendars)
        assert work.next_sync_at <= timezone.now()

        postpone_sync()
        clock.at += timedelta(days=3, hours=12)
        reconcile_due_watches(clock)
        reconcile_due_watches(clock)

        assert provider.calls == [f"open {CALENDAR}@there"] * 2
        work.refresh_from_db()
        assert work.next_sync_at > timezone.now()
        assert clock.at + OVERLAP >= list_watches(calendars)[0].due_at


@pytest.mark.scenario("P5")
@pytest.mark.invariant(5)
class TestASyncThatRunsMeanwhile:
    def test_is_followed_by_another_turn(self, settled, queued):
        at = timezone.now()
        SyncWork.objects.update(next_sync_at=at)
        with acting_as(ProcessClass.SYNC):
            lease, _, _ = work_leases.claim(work_id=settled.work.id, at=at, duration=HOUR)
        see_to_watches()

        with acting_as(ProcessClass.SYNC):
            is_due = work_leases.release(lease, next_sync_at=at + HOUR, values={})

        assert is_due
        assert work_leases.get_due_ids(at=timezone.now()) == [settled.work.id]
        # Whoever was at it goes on: nobody else is asked.
        assert queued == []

    def test_of_what_was_disconnected_makes_nothing_due(self, calendars, alice, provider, clock):
        postpone_sync()
        provider.after_opening = lambda: open_purge_job(alice, calendars, clock)

        reconcile_due_watches(clock)

        assert SyncWork.objects.get(integration=calendars).next_sync_at > timezone.now()
