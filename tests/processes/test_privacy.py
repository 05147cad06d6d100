"""What is in the memory of the service's processes stays there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.config.test_service import descendants
from tests.worlds.processes import script, wait_until

pytestmark = pytest.mark.control("6.7.1")


def core_limits(pid):
    """Return the soft and the hard limit of a process's core file, as the kernel has them."""
    limits = Path(f"/proc/{pid}/limits").read_text()
    (line,) = [line for line in limits.splitlines() if line.startswith("Max core file size")]
    return line.split()[4:6]


class TestMemory:
    def test_is_read_by_no_other_process_of_the_same_user(self, world):
        with script("tests.processes.private") as process:
            before, after = process.stdout.read().decode().splitlines()

        assert before == "False True"
        assert after == "True False"

    @pytest.mark.parametrize("name", ["web", "worker", "purger", "beat"])
    def test_is_written_to_no_core_file_by(self, running, name):
        getattr(running, name)()
        started = running.service.processes[name].pid

        # Of the web server, the process that runs our code: its parent holds nothing.
        wait_until(
            lambda: any(core_limits(pid) == ["0", "0"] for pid in {started, *descendants(started)})
        )
