"""What a process held of large answers is the system's again, and what is loaded is left alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
# Four threads that hold 20 MB each for a moment, and something small for good.
PROGRAM = """
from threading import Barrier, Thread
from integrations.coordination import process_memory

{first}

def resident():
    with open("/proc/self/statm") as sizes:
        return int(sizes.read().split()[1]) * 4096 // 1_000_000

def read(kept):
    # The first large block that is freed raises the threshold of those after it.
    bytearray(24_000_000)
    large = [bytearray(1_000_000) for _ in range(20)]
    kept.append(bytes(4_000))
    together.wait()
    del large

kept, together = [], Barrier(4)
before = resident()
threads = [Thread(target=read, args=(kept,)) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(resident() - before)
"""


def keep_after_reading(first: str) -> int:
    """Return how many megabytes a process has more of, once four threads have read."""
    # Of this interpreter, and text of this module.
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(first=first)],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's alone")
class TestLargeBlocks:
    def test_go_back_to_the_system(self):
        assert keep_after_reading("process_memory.release_freed_memory()") < 20

    def test_would_stay_otherwise(self):
        assert keep_after_reading("") > 40


@pytest.mark.parametrize("signal", ["worker_ready", "worker_process_init", "beat_init"])
def test_each_process_of_celery_sets_apart_what_is_loaded(signal):
    """The first is sent to a worker, the second to each process of a prefork pool."""
    program = (
        "import gc, django; django.setup(); from celery import signals; from config import celery;"
        " receivers = [one for _, one in signals."
        f"{signal}.send_robust(None)]; print(gc.get_freeze_count() > 50_000)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT, env=os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings_test"},
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip

    assert done.stdout.split()[-1] == "True"


def test_what_is_loaded_is_not_searched_for_cycles():
    program = (
        "import gc; from integrations.coordination import process_memory as memory;"
        " memory.collect_rarely();"
        " print(gc.get_freeze_count() > 5_000, gc.get_threshold()[0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip

    assert done.stdout.split() == ["True", "20000"]
