"""
The web server of `load` and `features`: started as production does, with so many web processes.

It logs in as a process of the class `web`.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from django.conf import settings

from config.database.role_logins import get_login_variable_name
from config.embedded.embedded_service import GRANIAN, RunningService
from config.process_classes import WORKERS, ProcessClass
from tests.bench import figures, memory, sizes
from tests.bench.figures import Figure

PATIENCE = 120  # seconds
# More threads than granian's first process has, which waits for the others.
_THREADS = 4


@contextmanager
def start_server(
    port: int, web_processes: int, *, settings_module: str = "config.settings"
) -> Iterator[RunningService]:
    """Start a web server as production does, and stop it on leaving."""
    url = f"http://localhost:{port}"
    logs = Path(settings.KEYRING.folder).parent / "logs"
    logs.mkdir(exist_ok=True)
    given = {"DJANGO_SETTINGS_MODULE": settings_module, "PUBLIC_URL": url}
    # Each person asks more in a minute than any person does.
    given |= {"RATE_LIMIT_SCALE": "10000"}
    service = RunningService(url, "", "", {**os.environ, **given}, logs)
    service.environment.pop("WEB_THREADS", None)
    service.logins = {one: os.environ[get_login_variable_name(one)] for one in ProcessClass}
    name = f"web{web_processes}"
    try:
        service.start_process(
            name,
            *("granian", *GRANIAN, "--host", "127.0.0.1", "--port", str(port)),
            *("--workers", str(web_processes), "--no-access-log", "--log-level", "warning"),
            stop_signal=signal.SIGTERM,
            process_class=ProcessClass.WEB,
        )
        service.wait_until_listening(name, port)
        _wait_until_all_run(service, name, web_processes)
        yield service
    finally:
        for started in list(service.processes):
            service.stop_named_process(started)


def _wait_until_all_run(service: RunningService, name: str, web_processes: int) -> None:
    """Wait until each web process answers, not only the first."""
    deadline = time.monotonic() + PATIENCE
    pid = service.processes[name].pid
    while sum(map(_has_threads, memory.family(pid))) < web_processes:
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {PATIENCE} s for {web_processes} web processes")
        time.sleep(0.1)
    httpx.get(f"{service.url}/healthz", timeout=PATIENCE).raise_for_status()
    time.sleep(1)


def _has_threads(pid: int) -> bool:
    return len(list(Path(f"/proc/{pid}/task").iterdir())) > _THREADS


def measure_memory(servers: dict[int, RunningService]) -> list[Figure]:
    """Return what each process holds: of web after the load, of the others after their start."""
    found = []
    for count, service in servers.items():
        root = service.processes[f"web{count}"].pid
        first, *others = memory.family(root)
        parsers = set(memory.parsers(root))
        web = [pid for pid in others if pid not in parsers and _has_threads(pid)]
        if len(web) != count:
            raise AssertionError(f"{len(web)} web processes of {count}")
        note = "after the load; shared pages by share (PSS)"
        each = sum(map(memory.of_one, web)) / count
        found.append(figures.plain(f"memory of a web process, of {count}", each, "MB", note=note))
        rest = sum(memory.of_one(pid) for pid in (first, *others) if pid not in {*web, *parsers})
        found.append(figures.plain("… of granian beside them", rest, "MB"))
    service = servers[1]
    for process_class in WORKERS:
        service.start_worker(f"worker-{process_class}", process_class)
    service.start_beat()
    # They have begun, and beat has said that something may be due.
    time.sleep(sizes.choose_size(20, tiny=10))
    for name in (*(f"worker-{one}" for one in WORKERS), "beat"):
        held = memory.resident(service.processes[name].pid)
        found.append(figures.plain(f"memory of {name}", held, "MB", note="after the start"))
    return found
