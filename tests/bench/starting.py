"""
Start of the demo on existing data, until its first page, against `django.setup()`.

Each start is a fresh ``python -m config.embedded demo`` with servers of its own, on a folder that
an earlier start has filled; it ends when the sign-in page is read. `django.setup()` runs in a fresh
process in turn with it. Nothing of the service is imported, so that a copy of this module measures
an older version.
"""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tests.bench import figures, measure, sizes
from tests.bench.figures import Figure

RUNS = sizes.choose_size(9, tiny=1)
ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 180  # seconds
_PAUSE = 0.005
# What this benchmark runs on is not what the demo is to run on.
_OURS = frozenset(
    {
        "DATABASE_URL",
        "BROKER_URL",
        "KEYRING_DIR",
        "EMAIL_DIR",
        "SECRET_KEY",
        "DATABASE_ROLE_PREFIX",
        "PYTHONDONTWRITEBYTECODE",
    }
)
_GIVEN = ("GOOGLE_", "MICROSOFT_", "DATABASE_URL_")


class Spent(NamedTuple):
    """Seconds until something was done, and processor seconds of all processes that did it."""

    clock: float
    processor: float


def run_benchmark() -> list[Figure]:
    # Below no private folder: the embedded servers run as another account if this is root.
    with tempfile.TemporaryDirectory(prefix="antares-starting-") as made:
        folder = Path(made)
        folder.chmod(0o711)
        # Makes the data, and the files of compiled modules.
        first = _start_demo(folder)
        _set_up_django()
        pages, setups = [], []
        for _ in range(RUNS):
            pages.append(_start_demo(folder))
            setups.append(_set_up_django())
    return [
        _build_figure("first page of the demo on existing data", pages, setups, "clock", most=3),
        _build_figure("processor seconds until then", pages, setups, "processor"),
        figures.plain("first page of the demo without data", first.clock, "s", note="one start"),
    ]


def _start_demo(folder: Path) -> Spent:
    port = _find_port()
    command = [sys.executable, "-m", "config.embedded", "--data", str(folder / "demo")]
    ports = ["--port", str(port), "--staff-port", "0", "--sandbox-port", "0"]
    with (folder / "demo.log").open("ab") as log:
        began = time.perf_counter()
        process = subprocess.Popen(
            [*command, "--with-parent", "demo", *ports],
            cwd=ROOT, env=_environment(), stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        _wait_for_page(process, port, log=folder / "demo.log")
        seconds = time.perf_counter() - began
        # Some of these processes go on starting: what they spent so far is counted.
        return Spent(seconds, _used_by(process.pid))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)


def _wait_for_page(process: subprocess.Popen[bytes], port: int, *, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while (page := _read_page(port)) is None:
        if process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"no first page: {log.read_text(encoding='utf-8')[-2000:]}")
        time.sleep(_PAUSE)
    if b"/accounts/login/" not in page:
        raise AssertionError("the first page does not lead to signing in")


def _read_page(port: int) -> bytes | None:
    """Return the first page, or None while nothing listens or the service is not ready."""
    connection = http.client.HTTPConnection("localhost", port, timeout=PATIENCE)
    with suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/")
        answer = connection.getresponse()
        body = answer.read()
        return body if answer.status == http.client.OK else None
    return None


def _set_up_django() -> Spent:
    environment = _environment() | {
        "ANTARES_ENV": "development",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SECRET_KEY": "only-for-this-benchmark-and-long-enough-for-the-settings-to-take-it",
        # Never connected to.
        "DATABASE_URL": "postgresql://localhost/none",
        "BROKER_URL": "redis://localhost:1",
    }
    began = time.perf_counter()
    # Not imported by `-m`: the start of the interpreter is on both sides.
    process = subprocess.Popen(
        [sys.executable, "-c", "import django; django.setup()"], cwd=ROOT, env=environment
    )
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise AssertionError("django.setup() failed")
    return Spent(seconds, used.ru_utime + used.ru_stime)


def _environment() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if name not in _OURS and not name.startswith(_GIVEN)
    }


def _find_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _used_by(pid: int) -> float:
    """Return the processor seconds of a process and of all below it, ended ones as well."""
    ticks, pids = 0, [pid]
    for one in pids:
        with suppress(OSError):
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))
            for task in Path(f"/proc/{one}/task").iterdir():
                pids += map(int, (task / "children").read_text().split())
    return ticks / os.sysconf("SC_CLK_TCK")


def _build_figure(
    name: str, pages: list[Spent], setups: list[Spent], clock: str, *, most: float | None = None
) -> Figure:
    ours, baseline = (
        measure.median(getattr(spent, clock) for spent in found) for found in (pages, setups)
    )
    return figures.make_ratio_figure(
        name,
        ours,
        "s",
        baseline=baseline,
        against="django.setup() in a fresh process",
        most=most,
        note=f"median of {RUNS} in turn; PostgreSQL, Valkey and the launcher included",
    )
