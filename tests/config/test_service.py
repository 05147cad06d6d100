import os
import re
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.config.test_embedded import processes_of
from tests.worlds.ending import wait_until_gone

ROOT = Path(__file__).resolve().parents[2]
# Seconds, for each wait: for a loaded machine; an idle one needs a tenth of it.
PATIENCE = 150
# What pytest runs on is not what the demo is to run on.
OURS = {"DATABASE_URL", "BROKER_URL", "KEYRING_DIR", "DJANGO_SETTINGS_MODULE"}


@pytest.fixture(scope="class")
def data_dir():
    """One folder for all of them: what one of them leaves is what the next has to start with."""
    with tempfile.TemporaryDirectory(prefix="antares-service-") as made:
        Path(made).chmod(0o711)
        yield Path(made)


def demo(data_dir):
    """Start the demo as `make` does, with servers of its own; return it and its first page."""
    env = {k: v for k, v in os.environ.items() if k not in OURS}
    process = subprocess.Popen(
        [sys.executable, "-m", "config.embedded", "--data", str(data_dir), "demo",
         "--port", "0", "--staff-port", "0"],
        cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    said = []
    with killed_if_late(process):
        for line in process.stdout:
            said.append(line)
            if re.search(r"staff\s+http://localhost:\d+", line):
                found = re.search(r"open\s+(http://localhost:\d+)", "".join(said))
                return process, found[1], "".join(said)
    raise AssertionError(f"it did not come up: {''.join(said)}")


@contextmanager
def killed_if_late(process):
    """Kill the process if the block takes longer than `PATIENCE`: its output ends, too."""
    timer = threading.Timer(PATIENCE, process.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def run(data_dir, *arguments):
    """Run one command on the demo's data, as the README says."""
    env = {k: v for k, v in os.environ.items() if k not in OURS}
    command = [sys.executable, "-m", "config.embedded", "--data", str(data_dir), "run"]
    return subprocess.run(
        [*command, sys.executable, *arguments],
        cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=PATIENCE,
    )  # fmt: skip


def descendants(pid):
    """Return the ids of the children of `pid`, of theirs, and so on."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except FileNotFoundError:
        return set()
    return {int(child) for child in children}.union(*(descendants(child) for child in children))


class TestDemo:
    def test_serves_a_first_page_and_says_whom_to_sign_in_as_at_every_start(self, data_dir):
        for start in range(2):
            process, url, said = demo(data_dir)
            answer = httpx.get(f"{url}/accounts/login/")
            (staff_url,) = re.findall(r"staff\s+(http://localhost:\d+)", said)
            staff_page = "/support/items/"
            here, there = (httpx.get(f"{one}{staff_page}") for one in (url, staff_url))
            inbox = httpx.get(f"{staff_url}/inbox/")
            if start:
                self.look(data_dir)
            process.terminate()
            status = process.wait(timeout=PATIENCE)
            process.stdout.close()

            assert answer.status_code == 200
            assert here.status_code == inbox.status_code == 404
            assert there.headers["location"] == f"/accounts/login/?next={staff_page}"
            assert "alice@antares.example" in said
            assert status == 0
            assert processes_of(data_dir) == []
        self.look(data_dir)
        assert processes_of(data_dir) == []

    @staticmethod
    def look(data_dir):
        """Have a command look at its data, while it runs or after."""
        done = run(data_dir, "manage.py", "verify_ledger")

        assert done.returncode == 0, done.stderr
        assert "all fit" in done.stdout

    def test_leaves_no_process_when_it_is_killed(self, data_dir):
        process, _, _ = demo(data_dir)
        family = descendants(process.pid)

        process.kill()
        process.wait(timeout=PATIENCE)
        process.stdout.close()

        # Sandbox, two sites and their children, worker, beat, PostgreSQL and its children, Valkey.
        assert len(family) > 7
        wait_until_gone(lambda: family)

    def test_stops_as_a_whole_when_one_process_ends(self, data_dir):
        process, _, _ = demo(data_dir)
        (beat,) = processes_of(data_dir / "beat-schedule")

        os.kill(beat, 9)
        with killed_if_late(process):
            said = process.stdout.read()
        status = process.wait(timeout=PATIENCE)
        process.stdout.close()

        assert "beat stopped by itself with status -9" in said
        assert status == 1
        assert processes_of(data_dir) == []
