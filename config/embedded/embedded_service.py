"""
Runs the whole service on this machine: sandbox, web, workers and beat, as processes.

Demo and smoke start it on top of `embedded_servers.run_servers`. It restarts nothing: the caller
sees which process ended, and decides.
"""

from __future__ import annotations

import os
import signal
import subprocess  # noqa: TID251 - the launcher starts servers, never in production
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from config.database import role_logins
from config.database.login_roles import DatabaseRoles
from config.database.role_logins import ClassLogins
from config.embedded import sandbox_seed, static_files, tcp_ports
from config.embedded.child_processes import EmbeddedServersUnavailable, spawn_process, stop_process
from config.embedded.earlier_data_folder import is_embedded_data_prepared, refuse_earlier_version
from config.embedded.embedded_servers import ServerUrls
from config.embedded.service_environment import build_demo_site_settings, build_environment
from config.process_classes import DEFAULT_PREFIX, WORKERS, ProcessClass

ROOT: Final = Path(__file__).resolve().parents[2]
#: Arguments of the web server, as in README.md.
GRANIAN: Final = (
    *("--interface", "asgi", "config.asgi:application", "--http", "1", "--no-ws"),
    *("--backlog", "4096", "--http1-header-read-timeout", "10000"),
)
_STOP_TIMEOUT: Final = 5  # seconds; the lease of a worker lets others continue its work


@dataclass(slots=True)
class RunningService:
    """
    URLs, the environment of commands, and processes by name.

    `staff_url` is the URL of the staff site. `environment` is the owner's: each process gets it
    with its own class and login.
    """

    url: str
    sandbox_url: str
    control_url: str
    environment: dict[str, str]
    logs: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    # The database URL of each class; a missing one is the owner's.
    logins: ClassLogins = field(default_factory=dict)
    staff_url: str = ""
    # Settings of the web servers alone, by name.
    site_settings: Mapping[str, str] = field(default_factory=dict)

    def start_process(
        self,
        name: str,
        *arguments: str,
        stop_signal: int = signal.SIGKILL,
        process_class: ProcessClass | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """
        Start ``python -m arguments…`` under `name`, with its output in ``logs/name.log``.

        `stop_signal` is the kernel's signal when this process dies: SIGKILL, except for a process
        that must stop its own children. `process_class` is None outside the service. `settings`
        override those of the service by name.
        """
        with (self.logs / f"{name}.log").open("ab") as log:
            self.processes[name] = spawn_process(
                [sys.executable, "-m", *arguments],
                stop_signal=stop_signal,
                env={**self.build_environment(process_class), **(settings or {})},
                output=log,
                cwd=ROOT,
            )

    def build_environment(self, process_class: ProcessClass | None) -> dict[str, str]:
        if process_class is None:
            return self.environment
        class_settings = {"PROCESS_CLASS": str(process_class)}
        if login := self.logins.get(process_class):
            class_settings["DATABASE_URL"] = login
        return {**self.environment, **class_settings}

    def start_worker(self, name: str, process_class: ProcessClass) -> None:
        """Start a Celery worker. Its threads wait for the network, not for a core."""
        self.start_process(
            name,
            *(
                "celery",
                "--app",
                "config.celery",
                "--quiet",
                "worker",
                "--queues",
                str(process_class),
            ),
            *("--pool", "threads", "--concurrency", "4", "--hostname", f"{name}@localhost"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
            process_class=process_class,
        )

    def start_beat(self) -> None:
        schedule = str(self.logs.parent / "beat-schedule")
        self.start_process(
            "beat",
            *("celery", "--app", "config.celery", "--quiet", "beat", "--schedule", schedule),
            # Beat announces due work, and reads no table.
            process_class=ProcessClass.PURGE,
        )

    def start_site(self, process_class: ProcessClass, port: int) -> None:
        """Start the web server of a class, under the name of the class, with `site_settings`."""
        self.start_process(
            str(process_class),
            *("granian", *GRANIAN, "--host", "127.0.0.1", "--port", str(port)),
            # Its access log would contain query strings; `config.request_log` writes ours.
            *("--no-access-log", "--log-level", "warning"),
            stop_signal=signal.SIGTERM,
            process_class=process_class,
            settings=self.site_settings,
        )

    def wait_until_listening(self, name: str, port: int) -> None:
        try:
            tcp_ports.wait_for_port(port, self.processes[name], name=name)
        except EmbeddedServersUnavailable as problem:
            raise EmbeddedServersUnavailable(f"{problem}: see {self.logs / name}.log") from None

    def find_ended_process(self) -> str | None:
        return next((name for name, p in self.processes.items() if p.poll() is not None), None)

    def stop_named_process(self, name: str) -> None:
        stop_process(self.processes.pop(name), timeout=_STOP_TIMEOUT)


@contextmanager
def run_service(  # noqa: PLR0913 - ports, sizes and settings of one start, each by name
    data_dir: Path,
    urls: ServerUrls,
    *,
    port: int = 0,
    staff_port: int = 0,
    sandbox_port: int | tcp_ports.AlreadyReserved = 0,
    workers: int = 1,
    extra: Mapping[str, str] | None = None,
    seed: Mapping[str, Any] | None = None,
    validate: bool = False,
    with_demo_pages: bool = False,
) -> Iterator[RunningService]:
    """
    Migrate, seed and start everything, and yield the service once the web server listens.

    Ports are preferences; `workers` is the number per class; `extra` overrides settings by name.
    `seed` is the sandbox's data (``accounts``, ``dials``), by default the demo's with calendars.
    With `validate`, the sandbox checks calls against Google's API descriptions. With
    `with_demo_pages`, both sites have the pages of `demo_site`, and static files as in production.
    The block's end stops every process, newest first.

    :raises EmbeddedServersUnavailable: if an earlier version created the database, or a process
        does not start; the message names its log
    """
    refuse_earlier_version(urls, data_dir)
    with (
        tcp_ports.reserve_port(port) as web_port,
        tcp_ports.reserve_port(staff_port) as port_of_staff,
        tcp_ports.reserve_port(sandbox_port) as provider_port,
        tcp_ports.reserve_port(provider_port + 1) as control_port,
    ):
        logs = data_dir / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        # Two host names, so that neither receives the other's cookies.
        url, sandbox_url = f"http://localhost:{web_port}", f"http://127.0.0.1:{provider_port}"
        # The two sites use different cookie names.
        staff_url = f"http://localhost:{port_of_staff}"
        env = build_environment(
            data_dir, urls, url=url, sandbox_url=sandbox_url, base_environment=os.environ
        )
        control_url = f"http://127.0.0.1:{control_port}"
        env |= {"STAFF_URL": staff_url, **(extra or {})}
        roles = DatabaseRoles(env.get("DATABASE_ROLE_PREFIX") or DEFAULT_PREFIX)
        passwords = role_logins.read_or_create_passwords(data_dir / "roles")
        service = RunningService(url, sandbox_url, control_url, env, logs, staff_url=staff_url)
        service.logins = role_logins.build_database_logins(
            urls.database, roles=roles, passwords=passwords
        )
        static_files_ready: AbstractContextManager[None] = nullcontext()
        if with_demo_pages:
            folder = static_files.get_static_folder(data_dir.resolve())
            service.site_settings = build_demo_site_settings(data_dir, folder)
            static_files_ready = static_files.collect_static_files(
                folder, {**env, **service.site_settings}
            )
        seeded = sandbox_seed.write_seed(data_dir / "sandbox.json", service.environment, seed)
        sandbox = (
            *("integrations.sandbox", "--port", str(provider_port)),
            *("--control-port", str(control_port), "--seed", str(seeded)),
            *(("--validate",) if validate else ()),
        )
        try:
            # A person waits for the first page, which needs no sandbox: on prepared data the web
            # server starts before other processes, which would delay it.
            if is_embedded_data_prepared(urls, data_dir):
                with static_files_ready:
                    pass
                service.start_site(ProcessClass.WEB, web_port)
                _prepare_data(service, with_calendars=seed is None)
                service.wait_until_listening("web", web_port)
                service.start_process("sandbox", *sandbox)
            else:
                # All start at the same time: none needs another.
                service.start_process("sandbox", *sandbox)
                with static_files_ready:
                    _prepare_data(service, with_calendars=seed is None)
                service.start_site(ProcessClass.WEB, web_port)
                service.wait_until_listening("web", web_port)
            service.wait_until_listening("sandbox", provider_port)
            service.start_site(ProcessClass.STAFF, port_of_staff)
            service.start_beat()
            for process_class in WORKERS:
                for number in range(1, workers + 1):
                    name = f"worker-{process_class}"
                    service.start_worker(name if workers == 1 else f"{name}{number}", process_class)
            service.wait_until_listening("staff", port_of_staff)
            yield service
        finally:
            for name in reversed(list(service.processes)):
                service.stop_named_process(name)


def _prepare_data(service: RunningService, *, with_calendars: bool) -> None:
    process = spawn_process(
        [sys.executable, "-m", "config.embedded.database_setup", *["--calendars"] * with_calendars],
        stop_signal=signal.SIGKILL,
        env={**service.environment, **role_logins.build_environment(service.logins)},
        cwd=ROOT,
    )
    if process.wait() != 0:
        raise EmbeddedServersUnavailable(
            "the database could not be prepared; the reason stands above"
        )
