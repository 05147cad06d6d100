"""
The service as real processes, on the database of the test, with a broker of its own.

What the demo starts is started here by the same code: web, workers and beat. A test kills
them as an operator or the kernel would, and looks at the database and the sandbox.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings as now

from config.database.role_logins import get_login_variable_name
from config.embedded import embedded_servers, tcp_ports
from config.embedded.child_processes import spawn_process, stop_process
from config.embedded.embedded_service import GRANIAN, ROOT, RunningService
from config.process_classes import ProcessClass
from limited_use.vault import data_keys
from tests import service_logs
from tests.bench.memory import family
from tests.integrations.google import ALICE_BOX, point_at
from tests.keyrings import copy_keyring
from tests.worlds.ending import wait_until_gone
from tests.worlds.sandbox import Sandbox

# A second, where a person would wait for a minute.
QUICK = {"LEASE_SECONDS": "2", "SWEEP_SECONDS": "1", "SYNC_INTERVAL_SECONDS": "1"}
# Seconds, and many: a slow machine is not a failure.
PATIENCE = 180.0


def wait_until(holds: Any, within: float = PATIENCE) -> Any:
    """Return what `holds()` returned once that is true; fail if it never is."""
    deadline = time.monotonic() + within
    while not (found := holds()):
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.02)
    return found


def environment(**more: str) -> dict[str, str]:
    """Return what a process needs to be part of the test's world: its settings by their names."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "ANTARES_ENV": "development",
        "DATABASE_URL": _here(os.environ["DATABASE_URL"]),
        "BROKER_URL": now.BROKER_URL,
        "SECRET_KEY": now.ROOT_SECRETS[0],
        "KEYRING_DIR": str(now.KEYRING.folder),
        "EMAIL_DIR": str(now.KEYRING.folder.parent / "mail"),
        "LEDGER_ORIGIN": now.LEDGER_ORIGIN,
        "PUBLIC_URL": now.PUBLIC_URL,
        "PYTHONUNBUFFERED": "1",
        "WEB_THREADS": "4",
        # The sandbox imposes none.
        "GMAIL_UNITS_PER_MINUTE": "60000000",
        **_google_environment(),
        **QUICK,
        **more,
    }


def _google_environment() -> dict[str, str]:
    """Return the environment variables of Google and its push notifications."""
    flags = {True: "on", False: "off"}
    return {
        "GOOGLE_AUTHORIZE_URL": now.GOOGLE.authorize_url,
        "GOOGLE_TOKEN_URL": now.GOOGLE.token_url,
        "GOOGLE_REVOKE_URL": now.GOOGLE.revoke_url,
        "GOOGLE_CERTS_URL": now.GOOGLE.certs_url,
        "GOOGLE_USERINFO_URL": now.GOOGLE.userinfo_url,
        "GOOGLE_API_ROOT_URL": now.GOOGLE.api_root_url,
        "GOOGLE_ISSUER": now.GOOGLE.issuer,
        "GOOGLE_ISSUER_REQUIRED": flags[now.GOOGLE.issuer_required],
        "GOOGLE_CLIENT_ID": now.GOOGLE.client_id,
        "GOOGLE_CLIENT_SECRET": now.GOOGLE.client_secret,
        "GOOGLE_PUBSUB_TOPIC": now.PUSH.pubsub_topic,
        "GOOGLE_PUSH_ACCOUNT": now.PUSH.pubsub_account,
        "GOOGLE_PUSH_AUDIENCE": now.PUSH.pubsub_audience,
        "GOOGLE_CALENDAR_CHANNELS": flags[now.PUSH.calendar_channels],
    }


def _here(url: str) -> str:
    """Return the address of the database of the test."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{now.DATABASES['default']['NAME']}"))


@contextmanager
def script(module: str, *arguments: str, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``python -m module arguments…``; it is killed if it still runs at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        env=environment(**more),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()


class Running:
    """The service at `url`; its processes are started and killed by name."""

    def __init__(self, url: str, sandbox: Sandbox, folder: Path, broker_url: str) -> None:
        self.port = urlsplit(url).port
        self.broker_url = broker_url
        logs = folder / "logs"
        logs.mkdir()
        self.service = RunningService(url, sandbox.url, sandbox.control_url, {}, logs)
        self.service.logins = {
            one: _here(os.environ[get_login_variable_name(one)]) for one in ProcessClass
        }
        self.url = url

    def web(self, name: str = "web", **more: str) -> None:
        self._settle(more)
        with (self.service.logs / f"{name}.log").open("ab") as log:
            self.service.processes[name] = spawn_process(
                [
                    *(sys.executable, "-m", "granian", *GRANIAN),
                    *("--host", "127.0.0.1", "--port", str(self.port)),
                    *("--no-access-log", "--log-level", "warning"),
                ],
                env=self.service.build_environment(ProcessClass.WEB),
                output=log,
                cwd=ROOT,
            )
        self.service.wait_until_listening(name, self.port)

    def worker(self, name: str = "worker", **more: str) -> None:
        """Start one of those that sync."""
        self._settle(more)
        self.service.start_worker(name, ProcessClass.SYNC)

    def purger(self, name: str = "purger", **more: str) -> None:
        """Start one of those that purge, and keep the clocks."""
        self._settle(more)
        self.service.start_worker(name, ProcessClass.PURGE)

    def beat(self, **more: str) -> None:
        self._settle(more)
        self.service.start_beat()

    def environment_of(self, process_class: ProcessClass, **more: str) -> dict[str, str]:
        """Return what a process of that class needs that a test starts itself."""
        self._settle(more)
        return self.service.build_environment(process_class)

    def kill(self, name: str) -> None:
        """SIGKILL: no handler, no goodbye."""
        process = self.service.processes.pop(name)
        assert process.poll() is None, f"{name} had ended by itself"
        process.kill()
        process.wait()

    def stop(self, name: str) -> None:
        stop_process(self.service.processes.pop(name))

    def end(self) -> None:
        """Stop all processes, and wait until none is left, nor any that these have started."""
        started = {
            pid for process in self.service.processes.values() for pid in family(process.pid)
        }
        for name in reversed(list(self.service.processes)):
            process = self.service.processes.pop(name)
            # Granian has children of its own to take along.
            stop_process(process, timeout=0.1) if name != "web" else stop_process(process)
        wait_until_gone(lambda: started)

    def logged(self) -> Iterator[tuple[str, bytes]]:
        for path in sorted(self.service.logs.glob("*.log")):
            yield path.name, path.read_bytes()

    def _settle(self, more: Mapping[str, str]) -> None:
        self.service.environment = environment(**{"BROKER_URL": self.broker_url, **more})


@pytest.fixture
def web_port():
    """Reserve the port of the web process for as long as a test may start it."""
    with tcp_ports.reserve_port() as port:
        yield port


@pytest.fixture
def world(transactional_db, sandbox, settings, tmp_path, web_port):
    """Return the sandbox as our Google, with keys of the test's own; nothing runs yet."""
    settings.KEYRING = replace(settings.KEYRING, folder=tmp_path / "keyring")
    settings.LEDGER_ORIGIN = "ledger.example/log1"
    settings.PUBLIC_URL = f"http://localhost:{web_port}"
    settings.GMAIL_UNITS_PER_MINUTE = 0
    data_keys.drop_cached_keys()
    copy_keyring(settings.KEYRING.folder)
    point_at(settings, sandbox)
    sandbox.dial(units_per_minute=0, concurrency=0)
    sandbox.seed(ALICE_BOX, size=3, days=30)
    return sandbox


@pytest.fixture
def running(world, settings, tmp_path):
    """Return the service, none of whose processes runs yet; all are gone at the end."""
    given = {"DATABASE_URL": os.environ["DATABASE_URL"]}
    with embedded_servers.run_servers(tmp_path / "broker", environment=given) as urls:
        made = Running(settings.PUBLIC_URL, world, tmp_path, urls.broker)
        with service_logs.watch_logs(made.service.logs):
            try:
                yield made
            finally:
                made.end()
