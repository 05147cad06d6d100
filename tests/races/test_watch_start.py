"""A watch starts, and makes a sync due, while a turn of that sync ends."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from django.utils import timezone

from config.process_classes import ProcessClass
from integrations import push
from integrations.models import Integration, IntegrationStatus, SyncWork
from integrations.push import due_syncs, watch_worker
from tests.integrations.push.conftest import alice, clock, keyring, mailbox, provider
from tests.races.locks import run_in_session, wait_for_waiters
from tests.walls import acting_as

__all__ = ["alice", "clock", "keyring", "mailbox", "provider"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.scenario("P3")
@pytest.mark.invariant(5)
def test_neither_waits_in_a_circle(alice, clock, monkeypatch):
    alice.settle()
    # The end of the next turn has a status to write.
    Integration.objects.update(status=IntegrationStatus.SYNCING)
    clock.at = timezone.now()
    holds_fence, original = Event(), due_syncs.schedule_now

    def wait_for_the_turn(**values):
        # It holds the integration, and the turn is about to give its work back.
        holds_fence.set()
        wait_for_waiters(1)
        return original(**values)

    monkeypatch.setattr(watch_worker.due_syncs, "schedule_now", wait_for_the_turn)

    def end_turn():
        assert holds_fence.wait(20)
        with acting_as(ProcessClass.SYNC):
            alice.settle()

    with ThreadPoolExecutor(2) as pool:
        turn = pool.submit(run_in_session, end_turn, deadlock_timeout="200ms")
        with acting_as(ProcessClass.SYNC):
            [watch_id] = push.get_due_watch_ids(at=clock.at)
            starting = pool.submit(
                run_in_session,
                lambda: push.reconcile_watch(watch_id=watch_id, now=clock),
                deadlock_timeout="20s",
            )
            starting.result(30)
        turn.result(30)

    assert Integration.objects.get().status == IntegrationStatus.ACTIVE
    work = SyncWork.objects.get()
    assert work.lease_by is None
