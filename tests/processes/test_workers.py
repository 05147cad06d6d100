"""Real workers: what they say when they start, and whether their queues count as consumed."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from accounts.models import Alarm
from config.embedded import child_processes
from config.embedded.valkey import EmbeddedValkey
from config.process_classes import ProcessClass
from integrations.models import Heartbeat
from integrations.operations.heartbeats import INTERVAL
from tests.worlds.processes import wait_until

# As the README has it: with Celery's banner.
WORKER = ("celery", "--app", "config.celery", "worker", "--pool", "threads", "--concurrency", "1")


def seen_at(duty):
    return Heartbeat.objects.filter(duty=duty).values_list("seen_at", flat=True).first()


def start(running, *arguments, process_class=ProcessClass.SYNC, **more):
    running.environment_of(process_class, EGRESS_TRIPWIRE="on", **more)
    running.service.start_process("worker", *WORKER, *arguments, process_class=process_class)


def read_log(running):
    return (running.service.logs / "worker.log").read_text()


@pytest.mark.invariant(4)
def test_a_worker_with_its_banner_reaches_for_nothing_that_is_refused(running):
    start(running, "--queues", "sync")
    wait_until(lambda: seen_at("sync"))
    # Another queue has no consumer.
    wait_until(lambda: "workers: no worker consumes the queue purge\n" in read_log(running))

    log = read_log(running)
    assert "workers: no beat keeps the schedule\n" in log
    assert "queue sync\n" not in log
    assert "[queues]" in log
    assert "Linux" in log
    assert "egress.refused" not in log
    assert not Alarm.objects.exists()


def test_a_worker_that_would_consume_the_queue_of_another_class_ends(running):
    # The default queue, with the rights of purge.
    start(running, process_class=ProcessClass.PURGE)

    assert running.service.processes["worker"].wait(timeout=60) != 0
    assert "PROCESS_CLASS is purge, and the queues are sync" in read_log(running)
    assert seen_at("sync") is seen_at("purge") is None


@pytest.mark.parametrize(("process_class", "ends"), [("sync", True), ("purge", False)])
def test_a_worker_that_syncs_imports_client_libraries_before_its_first_task(
    running, tmp_path, process_class, ends
):
    """So a library that is broken ends it at once, and not one task after the other."""
    package = tmp_path / "googleapiclient"
    package.mkdir()
    (package / "__init__.py").write_text("raise ImportError('it is broken')\n")

    start(running, "--queues", process_class, process_class=process_class, PYTHONPATH=str(tmp_path))

    if ends:
        assert running.service.processes["worker"].wait(timeout=60) != 0
        assert "it is broken" in read_log(running)
        assert seen_at("sync") is None
    else:
        wait_until(lambda: seen_at("purge"))
        assert "it is broken" not in read_log(running)


def test_beat_says_that_it_runs(running):
    running.beat()

    wait_until(lambda: seen_at("beat"))


@pytest.fixture
def broker():
    """Return a broker that is this test's own, to stop and start; it does not run yet."""
    with tempfile.TemporaryDirectory(prefix="antares-own-") as made:
        account = child_processes.get_server_os_user()
        folders = [Path(made), Path(made) / "data", Path(made) / "socket"]
        for folder in folders:
            folder.mkdir(exist_ok=True)
            account.give_ownership(folder, 0o700)
        yield EmbeddedValkey(folders[1], folders[2], account)


@pytest.mark.thorough("waits for a heartbeat that does not come")
def test_a_queue_is_not_consumed_while_the_broker_is_away(running, broker):
    with ExitStack() as first_run:
        url = first_run.enter_context(broker.run_server())
        start(running, "--queues", "sync", BROKER_URL=url)
        wait_until(lambda: seen_at("sync"))
        first_run.close()
        wait_until(lambda: "consumer: Cannot connect" in read_log(running))
        last = seen_at("sync")
        time.sleep(INTERVAL.total_seconds() + 2)

        assert seen_at("sync") == last
        with broker.run_server():
            wait_until(lambda: seen_at("sync") > last)
