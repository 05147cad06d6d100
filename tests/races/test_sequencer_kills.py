"""
The sequencer killed (SIGKILL) before each single line that it runs, in real processes.

Whatever it had done by then, the next one goes on from there: nothing that was published is ever
contradicted, and no entry is lost or placed twice.
"""

from __future__ import annotations

import subprocess
import sys

import pytest
from django.db import connection as database

from accounts.ids import uuid7
from limited_use.ledger import entries, ledger_audit, ledger_publication, ledger_sequencer
from limited_use.models import Checkpoint, Leaf, OwedTombstone
from limited_use.vault import tombstones
from tests.integrations.purge.conftest import keyring
from tests.worlds.processes import environment, wait_until

__all__ = ["keyring"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.invariant(3)]
# More lines than a run has; the loop ends with the first that is not reached.
MANY = 500
ENTRIES = 4


@pytest.fixture
def leader(keyring):
    started = subprocess.Popen(
        [sys.executable, "-m", "tests.races.sequencing"],
        env=environment(
            PUBLICATION_DIR=str(ledger_publication.get_ledger_publication().path.parent)
        ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def run(*lines):
        started.stdin.write(" ".join(map(str, lines)) + "\n")
        started.stdin.flush()
        return [int(ended) for ended in started.stdout.readline().split()]

    yield run
    started.stdin.close()
    try:
        started.wait(timeout=60)
    except subprocess.TimeoutExpired:
        started.kill()
        started.wait()
        raise
    started.stdout.close()


def record_entries(count=ENTRIES):
    tombstones.record_owed_tombstone(tombstones.build_key_tombstone(uuid7().bytes[:8]))
    return [entries.append_ledger_entry({"event": "x.done", "at": 0}) for _ in range(count)]


def list_checkpoints():
    return [
        (one.size, one.root)
        for one, _ in ledger_publication.get_ledger_publication().read_checkpoints()
    ]


def is_lock_free():
    """Return whether the server has noticed that the dead one let go of its lock."""
    with database.cursor() as cursor:
        cursor.execute(
            # Not those of tests that run beside this one, in databases of their own.
            "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)"
            " WHERE datname = current_database()"
            " AND locktype = 'advisory' AND classid = %s AND objid = %s",
            [ledger_sequencer.LOCK_CLASS, ledger_sequencer.LOCK],
        )
        return cursor.fetchone() == (0,)


def check_all(made):
    ledger_audit.audit_ledger()
    placed = dict(Leaf.objects.values_list("id", "idx"))
    assert set(placed) >= set(made)
    assert sorted(placed.values()) == list(range(len(placed)))
    assert not Checkpoint.objects.filter(size=len(placed), note="").exists()
    assert not OwedTombstone.objects.filter(published_at=None).exists()
    buried = list(ledger_publication.get_ledger_publication().read_tombstones())
    assert set(buried) == {
        tombstones.Tombstone(*one) for one in OwedTombstone.objects.values_list("kind", "value")
    }


class TestKilledLeader:
    def test_leaves_no_fork_and_no_loss_wherever_it_is_killed(self, leader):
        made, history = [], []
        for line in range(1, MANY):
            made += record_entries()
            (ended,) = leader(line)
            assert ended in {0, -9}, f"before line {line}"
            wait_until(is_lock_free)
            now = list_checkpoints()
            # What was published stands, and only grew.
            assert now[: len(history)] == history
            assert [size for size, _ in now] == sorted({size for size, _ in now})
            ledger_sequencer.check_ledger_continuity()
            history = now
            if ended == 0:
                break
        else:
            pytest.fail("it was killed each time")
        assert line > 60

        assert leader(0) == [0]

        check_all(made)

    def test_is_followed_by_another_that_waits_for_nothing_but_its_lock(self, leader):
        made = record_entries()
        for line in range(3, 100, 9):
            made += record_entries()
            ended = leader(line, 0)
            assert set(ended) <= {0, 3, -9}
            wait_until(is_lock_free)
            ledger_sequencer.check_ledger_continuity()
        made += record_entries()

        assert leader(0) == [0]

        check_all(made)
