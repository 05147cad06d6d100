"""
A purge whose worker is killed (SIGKILL) after each named step, and in the middle of a table.

Workers are Celery's, as the service starts them, and beat tells them every second that something
may be due. Whoever holds the purge is killed where one step is saved and the next is not; another
one takes over once the lease has run out, and a third has started in the dead one's place. So that
no step is missed, triggers of the test database make a worker wait; the program knows nothing of
them.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from itertools import pairwise

import pytest
from django.db import connection as database
from django.utils import timezone

from config.embedded.embedded_service import ROOT
from config.process_classes import ProcessClass
from integrations.models import Message, PurgeJob, PurgeStep
from integrations.purge import inventory
from limited_use.ledger.signed_notes import VerifierKey
from limited_use.models import Leaf, Receipt
from limited_use.receipts import receipts
from limited_use.verify import verifier
from tests.integrations.purge import holdings
from tests.integrations.purge.conftest import open_purge_job
from tests.worlds.processes import wait_until

LOCK = 71_100
MESSAGES = 2500
OPEN = "open"
ROWS = "rows"
STEPS = [str(step) for step in PurgeStep]
# Where a worker waits, and at which step it is killed there.
GATES = {
    "provider_tried": "fenced",
    ROWS: "provider_tried",
    **{step: before for before, step in pairwise(STEPS)},
}

# With the rights of whoever made them: a worker may not look at the gate.
TRIGGERS = (
    "CREATE TABLE gate (step text)",
    f"""CREATE FUNCTION gate_step() RETURNS trigger SECURITY DEFINER LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.step <> OLD.step AND NEW.step = (SELECT step FROM gate) THEN
            PERFORM pg_advisory_xact_lock_shared({LOCK});
        END IF;
        RETURN NEW;
    END $$""",  # noqa: S608 - our words
    f"""CREATE FUNCTION gate_rows() RETURNS trigger SECURITY DEFINER LANGUAGE plpgsql AS $$ BEGIN
        IF (SELECT step FROM gate) = '{ROWS}'
           AND (SELECT count(*) FROM integrations_message) BETWEEN 1 AND 1000 THEN
            PERFORM pg_advisory_xact_lock_shared({LOCK});
        END IF;
        RETURN NULL;
    END $$""",  # noqa: S608 - our words
    """CREATE TRIGGER gate_step BEFORE UPDATE ON integrations_purgejob
        FOR EACH ROW EXECUTE FUNCTION gate_step()""",
    """CREATE TRIGGER gate_rows AFTER DELETE ON integrations_message
        FOR EACH STATEMENT EXECUTE FUNCTION gate_rows()""",
)
REMOVAL = (
    "DROP TRIGGER gate_step ON integrations_purgejob",
    "DROP TRIGGER gate_rows ON integrations_message",
    "DROP FUNCTION gate_step(), gate_rows()",
    "DROP TABLE gate",
)
# Backends that wait, and the workers whose they are.
WAITING = """
    SELECT {} FROM pg_stat_activity JOIN pg_locks USING (pid)
    WHERE datname = current_database()
      AND locktype = 'advisory' AND objid = %s AND NOT granted"""


def sql(statement, values=None):
    with database.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else None


class Gate:
    """Where one step is saved: it lets nobody through until it is moved on to the next."""

    def __init__(self, at):
        sql("INSERT INTO gate VALUES (%s)", [at])
        sql("SELECT pg_advisory_lock(%s)", [LOCK])

    def who_waits(self):
        """Return the name of the worker that waits."""
        found = sql(WAITING.format("application_name"), [LOCK])
        return found[0][0] if found else None

    def move(self, to):
        sql("UPDATE gate SET step = %s", [to])
        # The dead worker's backend would notice that its client is gone only after the wait. Until
        # the backend has ended, `who_waits` would name the dead worker again.
        sql(WAITING.format("pg_terminate_backend(pid, 10000)"), [LOCK])


@pytest.fixture
def gate(transactional_db):
    for statement in TRIGGERS:
        sql(statement)
    yield Gate(next(iter(GATES)))
    sql("SELECT pg_advisory_unlock_all()")
    for statement in REMOVAL:
        sql(statement)


class Crew:
    """Purge workers by their names, and the process whose children they are (`purgers`)."""

    def __init__(self, running):
        self.pids = {}
        with (running.service.logs / "purgers.log").open("wb") as log:
            self.parent = subprocess.Popen(
                [sys.executable, "-m", "tests.processes.purgers"],
                env=running.environment_of(ProcessClass.PURGE, LEASE_SECONDS="1"),
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def start(self):
        name = f"purger{len(self.pids)}"
        self.parent.stdin.write(f"{name}\n")
        self.parent.stdin.flush()
        self.pids[name] = int(self.parent.stdout.readline())

    def kill(self, name):
        os.kill(self.pids[name], signal.SIGKILL)

    def end(self):
        # Its children end with it.
        self.parent.kill()
        self.parent.wait()
        self.parent.stdin.close()
        self.parent.stdout.close()


@pytest.fixture
def crew(running):
    made = Crew(running)
    yield made
    made.end()


@pytest.fixture
def mailbox(world):
    connection = holdings.connection(holdings.person(timezone.now()), at=timezone.now())
    return holdings.integration(connection, at=timezone.now(), messages=MESSAGES)


def step_of(job):
    return PurgeJob.objects.values_list("step", flat=True).get(id=job.id)


def assert_gone(mailbox, job):
    counts = inventory.count_rows_left(
        integration_id=mailbox.id, connection_id=mailbox.connection_id
    )
    assert not any(counts.values())
    assert PurgeJob.objects.get(id=job.id).deleted_count <= 4 * MESSAGES + 3
    keys = [VerifierKey.parse(text) for text in receipts.get_receipt_public_keys()]
    assert verifier.check_signed_document(bytes(Receipt.objects.get().document), keys)
    recorded = [bytes(payload) for payload in Leaf.objects.values_list("payload", flat=True)]
    assert len([one for one in recorded if b"purge.completed" in one]) == 1


@pytest.mark.invariant(6)
@pytest.mark.scenario("X1", "X3")
class TestAWorkerKilledAfterEachStep:
    def test_leaves_nothing_and_one_receipt(self, mailbox, gate, running, crew):
        # Nobody queues it: it is found.
        job = open_purge_job(mailbox, at=timezone.now())
        killed_at, left_behind = [], []

        running.beat()
        crew.start()
        for _, following in pairwise([*GATES, OPEN]):
            crew.start()
            crew.kill(wait_until(gate.who_waits))
            killed_at.append(step_of(job))
            left_behind.append(Message.objects.count())
            gate.move(following)
        wait_until(lambda: step_of(job) == PurgeStep.DONE)

        assert killed_at == list(GATES.values())
        assert 0 < left_behind[list(GATES).index(ROWS)] < MESSAGES
        assert_gone(mailbox, job)
