"""
A purge whose worker is killed (SIGKILL) after each named step, and in the middle of a table.

The worker is the real command in a process of its own. A wrapper here waits until a step is
visible in the database and kills it. So that no step is missed, a trigger of the test database
makes the worker wait before it saves the next one; the program knows nothing of it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings as now
from django.db import connection as database
from django.utils import timezone

from integrations.models import Message, PurgeJob, PurgeStep
from integrations.purge import inventory
from limited_use import receipts, verify
from limited_use.ledger.notes import VerifierKey
from limited_use.models import Leaf, Receipt
from tests.integrations.purge import holdings
from tests.integrations.purge.conftest import disconnect, google, keyring

__all__ = ["google", "keyring"]

GATE = 71_100
STEPS = [step for step in PurgeStep if step is not PurgeStep.DONE]
NEXT = dict(zip(STEPS, [*STEPS[1:], PurgeStep.DONE], strict=True))

_TRIGGERS = f"""
CREATE TABLE gate (step text);
CREATE FUNCTION gate_step() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.step <> OLD.step AND NEW.step IN (SELECT step FROM gate) THEN
        PERFORM pg_advisory_xact_lock_shared({GATE});
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION gate_rows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF 'rows' IN (SELECT step FROM gate)
       AND (SELECT count(*) FROM integrations_message) BETWEEN 1 AND 1000 THEN
        PERFORM pg_advisory_xact_lock_shared({GATE});
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER gate_step BEFORE UPDATE ON integrations_purgejob
    FOR EACH ROW EXECUTE FUNCTION gate_step();
CREATE TRIGGER gate_rows AFTER DELETE ON integrations_message
    FOR EACH STATEMENT EXECUTE FUNCTION gate_rows();
"""  # noqa: S608
_REMOVE = """
DROP TRIGGER gate_step ON integrations_purgejob;
DROP TRIGGER gate_rows ON integrations_message;
DROP FUNCTION gate_step();
DROP FUNCTION gate_rows();
DROP TABLE gate;
"""


def sql(statement, values=None):
    with database.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else None


@pytest.fixture
def mailbox(transactional_db, google):
    alice = holdings.person(timezone.now())
    connection = holdings.connection(alice, at=timezone.now())
    return holdings.integration(connection, at=timezone.now(), messages=2500)


@pytest.fixture
def gates(transactional_db):
    # One statement at a time: a prepared one holds no more.
    with database.cursor() as cursor:
        for statement in _TRIGGERS.split(";\nCREATE"):
            cursor.execute(
                statement if statement.lstrip().startswith("CREATE") else "CREATE" + statement
            )
    yield
    with database.cursor() as cursor:
        for statement in _REMOVE.strip().splitlines():
            cursor.execute(statement)


@contextmanager
def closed(gate):
    """Hold the gate: whoever comes to it waits, and has gone nowhere when it opens again."""
    sql("DELETE FROM gate")
    sql("INSERT INTO gate VALUES (%s)", [gate])
    sql("SELECT pg_advisory_lock(%s)", [GATE])
    try:
        yield
    finally:
        # The dead worker's backend would only notice that its client is gone after the wait.
        sql(
            "SELECT pg_terminate_backend(pid) FROM pg_locks"
            " WHERE locktype = 'advisory' AND objid = %s AND NOT granted",
            [GATE],
        )
        wait_until(lambda: not waiting())
        sql("SELECT pg_advisory_unlock(%s)", [GATE])


def waiting():
    return sql(
        "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted",
        [GATE],
    )


def wait_until(holds, seconds=60):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.01)


def environment():
    parts = urlsplit(os.environ["DATABASE_URL"])
    name = now.DATABASES["default"]["NAME"]
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "ANTARES_ENV": "development",
        "DATABASE_URL": urlunsplit(parts._replace(path=f"/{name}")),
        "BROKER_URL": now.BROKER_URL,
        "KEYRING_DIR": str(now.KEYRING_DIR),
        "LEDGER_ORIGIN": now.LEDGER_ORIGIN,
        "GOOGLE_REVOKE_URL": now.GOOGLE_REVOKE_URL,
        "LEASE_SECONDS": "1",
        "SWEEP_SECONDS": "1",
    }


@contextmanager
def process(*arguments):
    started = subprocess.Popen(
        [sys.executable, *arguments],
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield started
    finally:
        # Its whole session: a worker with a beat has a child that would outlive it.
        with suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)
        started.wait()


def worker(job):
    return process("manage.py", "purge", str(job.id))


def lease_over(job):
    job.refresh_from_db()
    return job.lease_until is None or job.lease_until <= timezone.now()


def step_of(job):
    return PurgeJob.objects.values_list("step", flat=True).get(id=job.id)


def finish(job):
    def done():
        with worker(job) as running:
            running.wait()
        return step_of(job) == PurgeStep.DONE

    wait_until(done)


def payloads():
    return [bytes(payload) for payload in Leaf.objects.values_list("payload", flat=True)]


def assert_gone(mailbox, job):
    job.refresh_from_db()
    counts = inventory.left(integration_id=mailbox.id, connection_id=mailbox.connection_id)
    assert not any(counts.values())
    assert job.deleted_count <= 4 * 2500 + 3
    keys = [VerifierKey.parse(text) for text in receipts.public_keys()]
    assert verify.check(bytes(Receipt.objects.get().document), keys)
    completed = [one for one in payloads() if b"purge.completed" in one]
    assert len(completed) == 1


@pytest.mark.invariant(6)
@pytest.mark.scenario("X3")
class TestKilledWorker:
    def test_leaves_nothing_and_one_receipt_when_killed_after_each_step(self, mailbox, gates):
        job = disconnect(mailbox, at=timezone.now())
        killed_at = []

        for step in STEPS:
            with closed(NEXT[step]):
                wait_until(lambda: lease_over(job))
                with worker(job) as running:
                    wait_until(waiting)
                    running.send_signal(signal.SIGKILL)
                    running.wait()
                killed_at.append(step_of(job))
        wait_until(lambda: lease_over(job))
        finish(job)

        assert killed_at == STEPS
        assert_gone(mailbox, job)

    def test_goes_on_in_the_middle_of_a_table(self, mailbox, gates):
        job = disconnect(mailbox, at=timezone.now())

        with closed("rows"):
            with worker(job) as running:
                wait_until(waiting)
                running.send_signal(signal.SIGKILL)
                running.wait()
            left_behind = Message.objects.count()
        wait_until(lambda: lease_over(job))
        finish(job)

        assert 0 < left_behind < 2500
        assert_gone(mailbox, job)


@pytest.mark.invariant(6)
@pytest.mark.scenario("X1", "X3")
class TestSweeper:
    def test_finds_a_purge_that_nobody_queued(self, mailbox):
        job = disconnect(mailbox, at=timezone.now())

        with process(
            "-m", "celery", "-A", "config.celery", "worker", "--beat", "--pool", "solo",
            "--queues", "sync,purge", "--loglevel", "critical",
            "--schedule", str(now.KEYRING_DIR.parent / "beat"),
        ):  # fmt: skip
            wait_until(lambda: step_of(job) == PurgeStep.DONE)

        assert_gone(mailbox, job)
