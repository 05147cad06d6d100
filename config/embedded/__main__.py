"""
``python -m config.embedded demo`` runs the service; ``… run COMMAND`` runs one command.
``… feature NAME`` runs a platform feature that uses the running demo.

The first two start the servers whose URLs are not given, and nothing outlives them.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import signal
import subprocess  # noqa: TID251 - the launcher starts servers, never in production
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Final
from urllib.parse import urlsplit

from config.embedded import (
    demo_report,
    embedded_servers,
    embedded_service,
    feature_programs,
    running_demo,
)
from config.embedded.child_processes import EmbeddedServersUnavailable
from config.embedded.demo_report import DemoPorts, print_line
from config.embedded.earlier_data_folder import refuse_earlier_version
from config.embedded.embedded_service import RunningService
from config.embedded.running_demo import DemoAddresses, DemoAlreadyRunning, RunningDemoFile
from config.embedded.service_environment import build_shared_settings
from config.parent_process import follow_parent

PORT: Final = 8000
STAFF_PORT: Final = 8001
_STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PROVIDERS: Final = ("GOOGLE_", "MICROSOFT_")


def run_demo(arguments: argparse.Namespace) -> int:
    for number in _STOP_SIGNALS:
        # A shell has its background jobs ignore Ctrl-C.
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _stop_demo)
    try:
        with running_demo.lock_running_file(arguments.data) as running_file:
            return _run_locked_demo(arguments, running_file)
    except DemoAlreadyRunning as running:
        demo_report.print_running(running.addresses)
        return 0


def _run_locked_demo(arguments: argparse.Namespace, running_file: RunningDemoFile) -> int:
    began = time.monotonic()
    has_earlier_data = (arguments.data / "people.json").exists()
    demo_report.print_start()
    try:
        with (
            embedded_servers.run_servers(arguments.data) as urls,
            embedded_service.run_service(
                arguments.data,
                urls,
                port=arguments.port,
                staff_port=arguments.staff_port,
                sandbox_port=arguments.sandbox_port,
                workers=arguments.workers,
                extra=_choose_role_prefix(os.environ) | _get_provider_settings(os.environ),
                with_demo_pages=True,
            ) as running,
        ):
            addresses = DemoAddresses(running.url, running.staff_url, running.sandbox_url)
            running_file.write_addresses(addresses)
            demo_report.print_ready(
                addresses,
                seconds=time.monotonic() - began,
                folder=arguments.data,
                ports=DemoPorts(
                    public=arguments.port,
                    staff=arguments.staff_port,
                    sandbox=arguments.sandbox_port,
                ),
                given_settings=sorted(_get_provider_settings(os.environ)),
                has_earlier_data=has_earlier_data,
            )
            return _watch_processes(running)
    except KeyboardInterrupt:
        demo_report.print_stopped(arguments.data)
        return 0


def _watch_processes(running: RunningService) -> int:
    """Return the exit status once a process has ended by itself."""
    while (ended_process := running.find_ended_process()) is None:
        time.sleep(0.2)
    status = running.processes[ended_process].returncode
    print_line(
        f"{ended_process} stopped by itself with status {status}, so the demo stops:"
        f" see {running.logs / ended_process}.log"
    )
    return 1


def run_feature(arguments: argparse.Namespace) -> int:
    """Run a platform feature's program against the running demo."""
    demo = running_demo.find_running_demo(arguments.data)
    if demo is None and arguments.port is None:
        raise EmbeddedServersUnavailable("The demo is not running. Start it with: make demo")
    url = f"http://localhost:{arguments.port}" if demo is None or arguments.port else demo.public
    return feature_programs.run_feature_program(arguments.name, data_dir=arguments.data, url=url)


def run_command(arguments: argparse.Namespace) -> int:
    with embedded_servers.use_or_start_servers(arguments.data) as urls:
        refuse_earlier_version(urls, arguments.data)
        arguments.data.mkdir(parents=True, exist_ok=True)
        own_settings = {
            **build_shared_settings(arguments.data.resolve()),
            **_choose_role_prefix(os.environ),
        }
        env = {**own_settings, **os.environ, **urls.to_environment()}
        return subprocess.run(arguments.command, env=env, check=False).returncode  # noqa: S603


def _choose_data_folder(environment: Mapping[str, str]) -> Path:
    """
    Return the demo's folder of keys and passwords, one for each database.

    Keys and passwords of one database are useless for another.
    """
    mark = _compute_mark(environment)
    return embedded_service.ROOT / ".data" / (f"demo-{mark}" if mark else "demo")


def _choose_role_prefix(environment: Mapping[str, str]) -> dict[str, str]:
    """Return a role prefix of this demo for a given server, which may have other roles."""
    mark = _compute_mark(environment)
    if not mark or environment.get("DATABASE_ROLE_PREFIX"):
        return {}
    return {"DATABASE_ROLE_PREFIX": f"antares_{mark}"}


def _get_provider_settings(environment: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value for name, value in environment.items() if name.startswith(_PROVIDERS) and value
    }


def _compute_mark(environment: Mapping[str, str]) -> str:
    """Return a short name for the given database, without its user; empty if none is given."""
    parts = urlsplit(environment.get("DATABASE_URL", ""))
    address = f"{parts.netloc.rpartition('@')[2]}{parts.path}?{parts.query}"
    return hashlib.sha256(address.encode()).hexdigest()[:8] if parts.scheme else ""


def _stop_demo(number: int, frame: FrameType | None) -> None:
    # Stopping takes seconds, and another signal would break it off.
    for stop_signal in _STOP_SIGNALS:
        # Not SIG_IGN: Python reports a signal that arrived just before.
        signal.signal(stop_signal, lambda *_: None)
    demo_report.print_stopping()
    _raise_interrupt(number, frame)


def _raise_interrupt(number: int, _: FrameType | None) -> None:
    raise KeyboardInterrupt(signal.Signals(number).name)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m config.embedded", description=__doc__)
    parser.add_argument(
        "--data", type=Path, default=_choose_data_folder(os.environ), help="%(default)s"
    )
    parser.add_argument("--with-parent", action="store_true", help="stop when our parent dies")
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("demo", help="the whole service, with its sandbox")
    command.add_argument("--port", type=int, default=PORT)
    command.add_argument("--staff-port", type=int, default=STAFF_PORT)
    command.add_argument("--sandbox-port", type=int, default=8100)
    command.add_argument("--workers", type=int, default=1)
    command.set_defaults(act=run_demo)
    command = commands.add_parser("feature", help="a platform feature that uses the running demo")
    command.add_argument("name", choices=feature_programs.PROGRAMS)
    command.add_argument("--port", type=int, help="of the demo; found without it")
    command.set_defaults(act=run_feature)
    command = commands.add_parser("run", help="one command on that data, also while the demo runs")
    command.add_argument("command", nargs=argparse.REMAINDER)
    command.set_defaults(act=run_command)
    arguments = parser.parse_args()
    if arguments.with_parent:
        follow_parent()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _raise_interrupt)
    try:
        return int(arguments.act(arguments))
    except EmbeddedServersUnavailable as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
