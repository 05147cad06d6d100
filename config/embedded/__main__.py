"""
``python -m config.embedded demo`` runs the service; ``… run COMMAND`` runs one command.
``… campaigns`` asks the running demo for mail as a marketing feature would.

The first two start the servers whose URLs are not given, and nothing outlives them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
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

from config.embedded import sandbox_seed, servers, service
from config.embedded.earlier_version import refuse_earlier_version
from config.embedded.processes import Unavailable
from config.parent_process import follow_parent

PORT: Final = 8000
STAFF_PORT: Final = 8001
_PROVIDERS: Final = ("GOOGLE_", "MICROSOFT_")


def demo(arguments: argparse.Namespace) -> int:
    began = time.monotonic()
    with (
        servers.running(arguments.data) as urls,
        service.running(
            arguments.data,
            urls,
            port=arguments.port,
            staff_port=arguments.staff_port,
            sandbox_port=arguments.sandbox_port,
            workers=arguments.workers,
            extra=_roles(os.environ) | _given_providers(os.environ),
        ) as running,
    ):
        say(f"Antares Integrations is running, after {time.monotonic() - began:.1f} s.")
        for name in sorted(_given_providers(os.environ)):
            say(f"  given    {name}, instead of the sandbox's")
        say(f"  open     {running.url}")
        say(f"  staff    {running.staff_url}  (the pages of support, review and operations)")
        say(f"  sandbox  {running.sandbox_url}  (stands in for Google and Microsoft)")
        say(f"  logs     {running.logs}")
        port = urlsplit(running.url).port
        there = "" if port == PORT else f" --port {port}"
        say(f"  refused  .venv/bin/python -m config.embedded campaigns{there}  (elsewhere, once")
        say("           Alice has connected a mailbox: what a marketing feature gets to hear)")
        say(f"  approval {sandbox_seed.ADMINISTERED} at Microsoft may not agree alone: its")
        say(f"           administrator is {sandbox_seed.ADMINISTRATOR}")
        say("  Ctrl-C stops everything; the data stays.")
        while (ended := running.ended()) is None:
            time.sleep(0.2)
        status = running.processes[ended].returncode
        say(f"{ended} stopped by itself with status {status}: see {running.logs / ended}.log")
        return 1


def campaigns(arguments: argparse.Namespace) -> int:
    """Ask for Alice's mail as the Campaigns feature, whose row says `marketing`, and show it."""
    # Imported here: the demo needs no HTTP client, and would start later for it.
    import httpx

    from config.embedded.feature_client import Feature

    kept = arguments.data / "people.json"
    if not kept.exists():
        raise Unavailable(f"{kept} is missing: start the demo first")
    seeded = json.loads(kept.read_text(encoding="utf-8"))
    client = next(one for one in seeded["clients"] if one["client_id"] == "campaigns")
    alice = seeded["people"][0]["id"]
    feature = Feature(f"http://localhost:{arguments.port}", client)
    try:
        answer = feature.messages(client["delegation_id"], alice)
    except httpx.ConnectError:
        raise Unavailable(f"nothing answers on port {arguments.port}") from None
    say(f"GET /v1/users/{alice}/messages for the purpose {client['purpose']}")
    say(f"{answer.status_code} {answer.headers['content-type']}")
    say(json.dumps(answer.json(), indent=2))
    return 0


def run(arguments: argparse.Namespace) -> int:
    with servers.joined(arguments.data) as urls:
        refuse_earlier_version(urls, arguments.data)
        arguments.data.mkdir(parents=True, exist_ok=True)
        ours = {**service.kept(arguments.data.resolve()), **_roles(os.environ)}
        env = {**ours, **os.environ, **urls.environment()}
        return subprocess.run(arguments.command, env=env, check=False).returncode  # noqa: S603


def _data(given: Mapping[str, str]) -> Path:
    """
    Return where the demo keeps its keys and passwords: a folder for each database.

    Those of one database are worth nothing in another.
    """
    mark = _mark(given)
    return service.ROOT / ".data" / (f"demo-{mark}" if mark else "demo")


def _roles(given: Mapping[str, str]) -> dict[str, str]:
    """Return a prefix of the demo's own on somebody's server: others may have roles there."""
    mark = _mark(given)
    if not mark or given.get("DATABASE_ROLE_PREFIX"):
        return {}
    return {"DATABASE_ROLE_PREFIX": f"antares_{mark}"}


def _given_providers(given: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of Google and Microsoft that are given: they lead to another stand-in."""
    return {name: value for name, value in given.items() if name.startswith(_PROVIDERS) and value}


def _mark(given: Mapping[str, str]) -> str:
    """Return a short name for the database that is given, whoever logs in; none: empty."""
    parts = urlsplit(given.get("DATABASE_URL", ""))
    place = f"{parts.netloc.rpartition('@')[2]}{parts.path}?{parts.query}"
    return hashlib.sha256(place.encode()).hexdigest()[:8] if parts.scheme else ""


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _interrupt(number: int, _: FrameType | None) -> None:
    raise KeyboardInterrupt(signal.Signals(number).name)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m config.embedded", description=__doc__)
    parser.add_argument("--data", type=Path, default=_data(os.environ), help="%(default)s")
    parser.add_argument("--with-parent", action="store_true", help="stop when our parent dies")
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("demo", help="the whole service, with its sandbox")
    one.add_argument("--port", type=int, default=PORT)
    one.add_argument("--staff-port", type=int, default=STAFF_PORT)
    one.add_argument("--sandbox-port", type=int, default=8100)
    one.add_argument("--workers", type=int, default=1)
    one.set_defaults(act=demo)
    one = commands.add_parser("campaigns", help="what a marketing feature gets to hear")
    one.add_argument("--port", type=int, default=PORT)
    one.set_defaults(act=campaigns)
    one = commands.add_parser("run", help="one command on that data, also while the demo runs")
    one.add_argument("command", nargs=argparse.REMAINDER)
    one.set_defaults(act=run)
    arguments = parser.parse_args()
    if arguments.with_parent:
        follow_parent()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        return int(arguments.act(arguments))
    except Unavailable as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
