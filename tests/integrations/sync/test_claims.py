"""Who works on which row."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.utils import timezone

from integrations.connections import sync_progress
from integrations.coordination import leases
from integrations.coordination.leases import LeaseLost, NotClaimable
from integrations.models import (
    Connection,
    ConnectionStatus,
    Integration,
    IntegrationStatus,
    SyncStage,
    SyncWork,
)
from integrations.sync import work_leases
from tests.integrations import household as houses

MINUTE = timedelta(minutes=1)


def take(house, at):
    return work_leases.claim(work_id=house.work.id, at=at, duration=MINUTE).lease


class TestAClaim:
    def test_keeps_others_away_until_the_lease_ends(self, alice):
        take(alice, alice.at)

        with pytest.raises(NotClaimable):
            take(alice, alice.at + MINUTE / 2)
        assert work_leases.get_due_ids(at=alice.at + MINUTE / 2) == []
        assert work_leases.get_due_ids(at=alice.at + MINUTE) == [alice.work.id]
        take(alice, alice.at + MINUTE)

    def test_brings_the_rows_as_django_reads_them(self, alice):
        work = work_leases.claim(work_id=alice.work.id, at=alice.at, duration=MINUTE).work

        read = SyncWork.objects.select_related("integration__connection").get(id=work.id)
        for ours, theirs in (
            (work, read),
            (work.integration, read.integration),
            (work.integration.connection, read.integration.connection),
        ):
            assert {**vars(ours), "_state": None} == {**vars(theirs), "_state": None}
            assert (ours._state.db, ours._state.adding) == ("default", False)

    def test_reads_tables_that_a_newer_version_gave_more_columns(self, alice):
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            for table in ("syncwork", "integration", "connection"):
                cursor.execute(f"ALTER TABLE integrations_{table} ADD newer integer DEFAULT 7")

        work = work_leases.claim(work_id=alice.work.id, at=alice.at, duration=MINUTE).work

        assert (work.integration, work.integration.connection) == (
            alice.integration,
            alice.connection,
        )

    @pytest.mark.parametrize("status", IntegrationStatus)
    @pytest.mark.parametrize("connected", ConnectionStatus)
    def test_is_given_on_what_is_due_and_on_nothing_else(self, alice, status, connected):
        for model, value in ((Integration, status), (Connection, connected)):
            # Constraints let some of them stand only with other columns.
            with suppress(IntegrityError), transaction.atomic():
                model.objects.update(status=value)

        is_due = alice.work.id in work_leases.get_due_ids(at=alice.at)
        try:
            take(alice, alice.at)
        except NotClaimable:
            assert not is_due
        else:
            assert is_due

    def test_counts_the_death_of_the_worker_before(self, alice):
        take(alice, alice.at)
        first, second = (
            work_leases.claim(work_id=alice.work.id, at=alice.at + count * MINUTE, duration=MINUTE)
            for count in (1, 2)
        )

        assert (first.follows_crash, second.follows_crash) == (True, True)
        assert (second.work.crash_count, second.work.failure_count) == (2, 2)
        assert second.work.failing_since == alice.at + MINUTE

    def test_that_was_taken_over_writes_nothing(self, alice):
        dead = take(alice, alice.at)
        take(alice, alice.at + MINUTE)

        with pytest.raises(LeaseLost):
            work_leases.renew(dead, at=alice.at + MINUTE, values={"done_count": 99})
        with pytest.raises(LeaseLost):
            work_leases.release(dead, next_sync_at=alice.at, values={})
        assert alice.work.done_count == 0

    def test_given_back_is_due_when_it_says(self, alice):
        lease = take(alice, alice.at)
        work_leases.release(lease, next_sync_at=alice.at + MINUTE, values={})

        assert work_leases.get_due_ids(at=alice.at) == []
        assert work_leases.get_due_ids(at=alice.at + MINUTE) == [alice.work.id]

    def test_given_back_after_a_hint_is_due_at_once(self, alice):
        lease = take(alice, alice.at)
        work_leases.mark_sync_due(
            integration_id=alice.integration.id, at=alice.at + timedelta(seconds=1)
        )
        work_leases.release(lease, next_sync_at=alice.at + MINUTE, values={})

        assert work_leases.get_due_ids(at=alice.at + timedelta(seconds=1)) == [alice.work.id]

    def test_postponed_is_not_hurried_by_a_hint(self, alice):
        lease = take(alice, alice.at)
        work_leases.mark_sync_due(
            integration_id=alice.integration.id, at=alice.at + timedelta(seconds=1)
        )
        leases.release(lease, next_sync_at=alice.at + MINUTE)

        assert work_leases.get_due_ids(at=alice.at + timedelta(seconds=1)) == []

    @pytest.mark.scenario("S8")
    def test_is_not_given_on_what_waits_for_its_owner(self, alice):
        alice.connection.status = ConnectionStatus.REAUTH_REQUIRED
        alice.connection.reauth_since = alice.at
        alice.connection.save()
        alice.integration.status = IntegrationStatus.REAUTH_REQUIRED
        alice.integration.save()

        assert work_leases.get_due_ids(at=alice.at) == []
        with pytest.raises(NotClaimable):
            take(alice, alice.at)

    def test_backs_off_longer_and_longer_with_jitter(self):
        pauses = [[work_leases.compute_backoff(count) for _ in range(50)] for count in range(1, 30)]

        for of_one in pauses:
            assert max(of_one) <= work_leases.LONGEST_PAUSE
            assert len(set(of_one)) > 1
        assert min(pauses[-1]) > max(pauses[0])


@pytest.mark.django_db(transaction=True)
class TestTwoWorkers:
    def test_never_hold_one_row(self, transactional_db, mailbox):
        house = houses.household()
        work_id, start, won = house.work.id, Barrier(8), []

        def work():
            start.wait()
            try:
                won.append(work_leases.claim(work_id=work_id, at=house.at, duration=MINUTE).lease)
            except NotClaimable:
                pass
            finally:
                connections.close_all()

        workers = [Thread(target=work) for _ in range(8)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

        assert len(won) == 1


class TestProgress:
    @pytest.mark.scenario("S6")
    def test_says_that_no_worker_lives(self, alice):
        fine = sync_progress.get_progress([alice.integration.id], at=alice.at + MINUTE)
        late = sync_progress.get_progress([alice.integration.id], at=alice.at + 3 * MINUTE)

        assert not fine[alice.integration.id].is_stalled
        assert late[alice.integration.id].is_stalled

    def test_counts_and_estimates(self, alice):
        SyncWork.objects.update(done_count=250, expected_count=1_000)

        found = sync_progress.get_progress([alice.integration.id], at=alice.at + MINUTE)[
            alice.integration.id
        ]

        assert found.percent == 25
        assert found.seconds_left == 180

    def test_expects_nothing_below_what_was_fetched_before_the_listing_ends(self, alice):
        SyncWork.objects.update(done_count=250, expected_count=0, stage=SyncStage.SNAPSHOT)
        listing = sync_progress.get_progress([alice.integration.id], at=alice.at)
        SyncWork.objects.update(done_count=251, expected_count=250, stage=SyncStage.DELTA)
        listed = sync_progress.get_progress([alice.integration.id], at=alice.at)

        assert listing[alice.integration.id].expected_count == 0
        assert listed[alice.integration.id].expected_count == 251

    def test_of_nothing_is_nothing(self, alice):
        assert sync_progress.get_progress([], at=timezone.now()) == {}
