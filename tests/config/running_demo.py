"""A demo that runs as `make` starts it, on servers of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Seconds, for each wait: for a loaded machine; an idle one needs a tenth of it.
PATIENCE = 150
# What pytest runs on is not what the demo is to run on.
OURS = {"DATABASE_URL", "BROKER_URL", "KEYRING_DIR", "DJANGO_SETTINGS_MODULE"}


def build_environment(given=None):
    return {name: value for name, value in os.environ.items() if name not in OURS} | (given or {})


def start_demo(data_dir, *, given=None, port=0):
    """Start the demo; return its process, its public URL and the lines that it printed."""
    process = open_demo(data_dir, given=given, port=port)
    printed = []
    with kill_if_late(process):
        for line in process.stdout:
            printed.append(line)
            if line.startswith("Press Ctrl-C"):
                text = "".join(printed)
                return process, re.search(r"Antares +(http://localhost:\d+)", text)[1], text
    raise AssertionError(f"the demo did not start: {''.join(printed)}")


def open_demo(data_dir, *, given=None, port=0):
    command = [sys.executable, "-m", "config.embedded", "--data", str(data_dir), "demo"]
    return subprocess.Popen(
        [*command, "--port", str(port), "--staff-port", "0", "--sandbox-port", "0"],
        cwd=ROOT, env=build_environment(given), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def stop_demo(process):
    """Stop it as Ctrl-C does; return its exit status and the last lines."""
    process.terminate()
    with kill_if_late(process):
        printed = process.stdout.read()
    status = process.wait(timeout=PATIENCE)
    process.stdout.close()
    return status, printed


@contextmanager
def kill_if_late(process, *, kill=None):
    """
    Kill the process if the block takes longer than `PATIENCE`: its output ends, too.

    :param kill: for a process whose children hold the output as well
    """
    timer = threading.Timer(PATIENCE, kill or process.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
