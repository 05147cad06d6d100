"""Two at once, on real connections: a turn of the key epoch, a sequencer, a disconnect."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections, transaction

from accounts.ids import uuid7
from limited_use.guard import guard
from limited_use.ledger import entries, ledger_audit, ledger_sequencer
from limited_use.models import DataKey, Leaf
from limited_use.policy.key_lines import KeyLine
from limited_use.rotation import key_epochs
from limited_use.vault import data_keys, opening
from limited_use.vault.envelope import Unopenable
from limited_use.vault.sealing import get_sealer
from tests.limited_use.conftest import NOW

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE = 30


def on_its_own_connection(function):
    """Run `function` and close the connection that its thread opened."""

    def run_and_close(*args):
        try:
            return function(*args)
        finally:
            connections.close_all()

    return run_and_close


@pytest.fixture
def pool():
    with ThreadPoolExecutor(4) as pool:
        yield pool


@pytest.mark.invariant(6)
class TestRotationRace:
    def test_waits_for_a_key_in_the_making_and_wraps_it_anew(self, ring, pool):
        holder, made, go_on = uuid7(), threading.Event(), threading.Event()

        @on_its_own_connection
        def make():
            with transaction.atomic():
                data_keys.create_data_key(holder=holder, line=KeyLine.CONTENT, at=NOW)
                made.set()
                assert go_on.wait(PATIENCE)

        making = pool.submit(make)
        assert made.wait(PATIENCE)
        turning = pool.submit(
            on_its_own_connection(key_epochs.rotate_key_epoch), KeyLine.CONTENT, NOW
        )
        # The turn may not begin while a key is being made under the old epoch.
        _until_somebody_waits_for_a_lock()
        assert ring.list_epochs(KeyLine.CONTENT) == (1,)
        go_on.set()
        making.result(PATIENCE)

        assert turning.result(PATIENCE).rewrapped_count == 1
        assert DataKey.objects.get(holder=holder).kek_epoch == 2
        data_keys.drop_cached_keys()
        assert get_sealer(holder=holder, epoch=1)

    def test_is_made_by_one_of_two(self, ring, pool):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_lock(%s, %s)",
                [key_epochs.LOCK_CLASS, key_epochs.ROTATION_LOCKS[KeyLine.CONTENT]],
            )
            try:
                with pytest.raises(key_epochs.AlreadyTurning):
                    pool.submit(
                        on_its_own_connection(key_epochs.rotate_key_epoch), KeyLine.CONTENT, NOW
                    ).result(PATIENCE)
            finally:
                cursor.execute("SELECT pg_advisory_unlock_all()")


@pytest.mark.invariant(3)
class TestSequencer:
    def test_orders_what_many_write_at_once_exactly_once(self, ring, pool):
        @on_its_own_connection
        def write():
            for _ in range(25):
                entries.record_ledger_event(event="x.done", about=uuid7(), at=NOW)
                ledger_sequencer.run_sequencer(NOW)

        for writing in [pool.submit(write) for _ in range(4)]:
            writing.result(PATIENCE)
        ledger_sequencer.run_sequencer(NOW)

        assert sorted(Leaf.objects.values_list("idx", flat=True)) == list(range(100))
        assert ledger_audit.audit_ledger().size == 100


@pytest.mark.invariant(5)
class TestDisconnectRace:
    def test_stops_another_process_that_has_key_and_permit_in_hand(self, seal, ask, holder, pool):
        sealed, held = seal(), guard.permit(ask(), at=NOW)
        assert opening.open_sealed_values([sealed], held, at=NOW) == [b"canary"]

        destroy = on_its_own_connection(lambda: data_keys.destroy_returning_id(holder=holder))
        pool.submit(destroy).result(PATIENCE)

        with pytest.raises(Unopenable):
            opening.open_sealed_values([sealed], held, at=NOW)


def _until_somebody_waits_for_a_lock():
    deadline = threading.Event()
    for _ in range(PATIENCE * 100):
        with connection.cursor() as cursor:
            cursor.execute(
                # Not those of tests that run beside this one, in databases of their own.
                "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)"
                " WHERE datname = current_database()"
                " AND locktype = 'transactionid' AND NOT granted"
            )
            if cursor.fetchone()[0]:
                return
        deadline.wait(0.01)
    raise AssertionError("nobody waits")
