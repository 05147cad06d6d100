"""Workers that come late: what was begun before the fence leaves nothing after it."""

from __future__ import annotations

import pytest
from django.db import connection as database
from django.db import transaction

from integrations import purge
from integrations.access import fences
from integrations.grants import quota_buckets, request_slots
from integrations.models import QuotaBucket, SyncWork
from integrations.purge import inventory
from integrations.sync import work_leases
from limited_use.vault import data_keys, sealing
from tests.integrations.purge import holdings
from tests.integrations.purge.conftest import NOW, open_purge_job
from tests.integrations.purge.test_engine import count_left, run_purge_to_end

LIMIT = quota_buckets.MailboxRateLimit(6000)


@pytest.mark.invariant(5)
@pytest.mark.scenario("X8")
class TestFence:
    def test_stops_a_writer_of_the_older_epoch(self, mailbox):
        epoch = mailbox.epoch
        open_purge_job(mailbox)

        with pytest.raises(fences.DisconnectedError), transaction.atomic():
            fences.lock_integration(integration_id=mailbox.id, epoch=epoch)

    def test_stops_a_refresh_of_the_older_epoch(self, mailbox):
        epoch = mailbox.connection.epoch
        open_purge_job(mailbox)

        with pytest.raises(fences.DisconnectedError), transaction.atomic():
            fences.lock_connection(connection_id=mailbox.connection_id, epoch=epoch)
        with pytest.raises(data_keys.KeyDestroyed):
            sealing.get_sealer(holder=mailbox.connection_id, epoch=epoch)

    @pytest.mark.claim("data-use.disconnect", "home.removed")
    def test_takes_the_key_in_the_same_commit(self, mailbox):
        with transaction.atomic():
            purge.open_purge_job(integration=mailbox, trigger="owner", at=NOW)
            transaction.set_rollback(True)

        assert sealing.get_sealer(holder=mailbox.id, epoch=1)
        open_purge_job(mailbox)
        for epoch in (1, 2):
            with pytest.raises(data_keys.KeyDestroyed):
                sealing.get_sealer(holder=mailbox.id, epoch=epoch)

    def test_lets_nobody_claim_its_work(self, mailbox):
        open_purge_job(mailbox)

        assert work_leases.get_due_ids(at=NOW) == []

    def test_asks_nothing_but_the_database(self, mailbox, google, settings):
        settings.BROKER_URL = settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"

        open_purge_job(mailbox)

        assert google.tokens == []


@pytest.mark.scenario("X8")
class TestLateWorker:
    def test_gets_no_bucket_for_a_connection_that_ended(self, mailbox, clock):
        run_purge_to_end(open_purge_job(mailbox), clock)

        with pytest.raises(fences.DisconnectedError):
            quota_buckets.draw_quota_units(
                connection_id=mailbox.connection_id, units=5, least_units=5, limit=LIMIT
            )
        quota_buckets.pause_mailbox(connection_id=mailbox.connection_id, seconds=5)
        assert not QuotaBucket.objects.exists()
        assert purge.count_purge_residue() == {}

    def test_gets_no_slot_for_a_connection_that_ended(self, mailbox, clock):
        run_purge_to_end(open_purge_job(mailbox), clock)

        with (
            pytest.raises(fences.DisconnectedError),
            request_slots.hold_slots(connection_id=mailbox.connection_id, want=1, most=4),
        ):
            pass
        assert not QuotaBucket.objects.exists()

    def test_is_found_as_residue_if_it_left_something_all_the_same(self, mailbox, clock):
        run_purge_to_end(open_purge_job(mailbox), clock)
        SyncWork.objects.create(integration=mailbox, next_sync_at=NOW)

        assert purge.count_purge_residue() == {"integrations.SyncWork": 1}


@pytest.mark.scenario("X5")
@pytest.mark.invariant(5)
class TestReconnecting:
    def test_inherits_nothing_in_twenty_cycles(self, alice, google, clock):
        seen = set()

        for number in range(20):
            connection = holdings.connection(alice, at=NOW, account="sub-1")
            mailbox = holdings.integration(connection, at=NOW, messages=1)
            seen |= {mailbox.id, connection.id}
            job = run_purge_to_end(open_purge_job(mailbox, at=clock()), clock)
            assert not any(count_left(mailbox).values())
            assert len(google.tokens) == number + 1
            seen.add(job.content_key_id)
            seen.add(job.credential_key_id)

        assert len(seen) == 4 * 20

    def test_keeps_the_new_mailbox_while_the_old_one_goes(self, alice, google, clock):
        old = holdings.integration(holdings.connection(alice, at=NOW), at=NOW)
        job = open_purge_job(old)
        new_connection = type(old.connection).objects.get(id=old.connection_id)
        # What a connect does with a connection of the account that it finds.
        new_connection.status = "active"
        new_connection.save(update_fields=["status"])
        new = holdings.integration(new_connection, at=NOW, messages=4)
        before = inventory.count_rows_left(integration_id=new.id)

        run_purge_to_end(job, clock)

        assert inventory.count_rows_left(integration_id=new.id) == before
        assert not any(inventory.count_rows_left(integration_id=old.id).values())
        assert google.tokens == []


class TestLock:
    def test_waits_for_a_page_that_is_being_written(self, mailbox):
        # The other way round is a writer that meets the fence, above.
        with transaction.atomic():
            fences.lock_integration(integration_id=mailbox.id, epoch=mailbox.epoch)
            other = database.copy()
            try:
                with other.cursor() as cursor:
                    cursor.execute("SET lock_timeout = '50ms'")
                    with pytest.raises(Exception, match="lock timeout"):
                        cursor.execute(
                            "SELECT id FROM integrations_integration WHERE id = %s FOR UPDATE",
                            [mailbox.id],
                        )
            finally:
                other.close()
