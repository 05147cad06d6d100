"""The end of a turn whose cursor moved, in one statement."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from threading import Thread

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.ids import uuid7
from integrations.access import fences
from integrations.connections import automatic_disconnect
from integrations.models import Integration, IntegrationStatus, PurgeTrigger, SyncWork
from integrations.sync import turn_end, work_leases
from tests.integrations import household as houses

MINUTE = timedelta(minutes=1)

pytestmark = pytest.mark.invariant(5)


def claim(house):
    return work_leases.claim(work_id=house.work.id, at=house.at, duration=MINUTE)


def release(lease, work, epoch=1):
    values = {"next_sync_at": lease.claimed_at + MINUTE, "failure_count": 0, "failing_since": None}
    return turn_end.release_sync_work_row(
        lease, integration_id=work.integration_id, epoch=epoch, values=values
    )


class TestARelease:
    def test_gives_the_row_back_and_saves_values(self, alice):
        lease, work, _ = claim(alice)
        SyncWork.objects.update(failure_count=3, failing_since=alice.at)

        with CaptureQueriesContext(connection) as queries:
            assert release(lease, work)

        assert sum("UPDATE" in one["sql"] for one in queries) == 1
        row = alice.work
        assert (row.lease_by, row.lease_until) == (None, None)
        assert row.next_sync_at == alice.at + MINUTE
        assert (row.failure_count, row.failing_since) == (0, None)

    def test_writes_nothing_for_another_epoch_or_holder(self, alice):
        lease, work, _ = claim(alice)

        assert not release(lease, work, epoch=2)
        assert not release(replace(lease, holder=uuid7()), work)
        assert alice.work.lease_by == lease.holder

    def test_writes_nothing_where_the_row_was_reported_as_due_meanwhile(self, alice):
        lease, work, _ = claim(alice)
        work_leases.mark_sync_due(integration_id=alice.integration.id, at=alice.at + MINUTE / 2)

        assert not release(lease, work)
        assert alice.work.next_sync_at == alice.at + MINUTE / 2

    @pytest.mark.parametrize("status", IntegrationStatus)
    def test_holds_the_same_fence_as_every_writer(self, alice, status):
        lease, work, _ = claim(alice)
        # Constraints let some of them stand only with other columns.
        with suppress(IntegrityError), transaction.atomic():
            Integration.objects.update(status=status)

        try:
            with transaction.atomic():
                fences.lock_integration(integration_id=alice.integration.id, epoch=1)
        except fences.DisconnectedError:
            assert not release(lease, work)
        else:
            assert release(lease, work)

    def test_writes_nothing_after_a_disconnect(self, alice):
        lease, work, _ = claim(alice)
        automatic_disconnect.disconnect_in_transaction(
            integration=alice.integration, trigger=PurgeTrigger.OWNER, at=timezone.now()
        )

        assert not release(lease, work)
        # Nor under the epoch that it has now.
        assert not release(lease, work, epoch=Integration.objects.get().epoch)


@pytest.mark.django_db(transaction=True)
class TestADisconnectUnderWay:
    @pytest.fixture
    def house(self, transactional_db, mailbox):
        return houses.household()

    def test_is_waited_for_and_felt(self, house):
        lease, work, _ = claim(house)
        answers: list[bool] = []

        def give_back():
            try:
                answers.append(release(lease, work))
            finally:
                connections.close_all()

        writer = Thread(target=give_back)
        with transaction.atomic():
            fences.lock_integration(integration_id=house.integration.id, epoch=1)
            writer.start()
            time.sleep(0.3)
            assert answers == []
            Integration.objects.update(epoch=2)
        writer.join(20)

        assert answers == [False]
        assert house.work.lease_by == lease.holder
