"""
``python -m tests.bench [NAME …] [--json FILE]`` measures ours against baselines in the same run.

`--tiny` runs through all of it in a minute or two, to see that it works: its figures say nothing.

Starts its own servers (or uses DATABASE_URL and BROKER_URL), and gives each benchmark a database
and a process of its own. Ends with 0 unless something broke: a missed goal is a line in the table.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from config.database import role_logins
from config.database.login_roles import DatabaseRoles
from config.embedded import embedded_servers, embedded_service, service_environment
from config.embedded.child_processes import EmbeddedServersUnavailable
from config.parent_process import follow_parent
from tests.bench import databases, google, machine, sizes, table
from tests.bench.figures import Figure, as_json
from tests.worlds.sandbox import CLIENT_ID, CLIENT_SECRET

# A production server's habits rather than a laptop's: nothing here touches durability.
SETTINGS = {"shared_buffers": "512MB", "max_wal_size": "4GB", "min_wal_size": "1GB"}
# Far above what a machine can ask for; the bucket itself is drawn from as ever.
NO_QUOTA = {"GMAIL_UNITS_PER_MINUTE": "1000000000", "GRAPH_UNITS_PER_MINUTE": "1000000000"}
ROLES = DatabaseRoles(databases.TEMPLATE)


@dataclass(frozen=True)
class Benchmark:
    """A module of this package with a `run_benchmark`, and whether it needs the sandbox."""

    module: str
    title: str
    sandbox: bool = False


BENCHMARKS = (
    Benchmark("decisions", "Guard: decision and permit"),
    Benchmark("scaling", "Guard: decision and permit as the tables grow ten times"),
    Benchmark("inbox", "Inbox pages of 50 and 200 rows through the API"),
    Benchmark("pages", "HTML pages of inbox and calendar against their JSON"),
    Benchmark("growth", "Inbox page as the table grows"),
    Benchmark("syncing", "First sync of a mailbox", sandbox=True),
    Benchmark("purging", "Purge of 100,000 messages", sandbox=True),
    Benchmark("bulk_revocation", "Bulk revocation of 1,000 accounts", sandbox=True),
    Benchmark("footprint", "Resident memory", sandbox=True),
    Benchmark("starting", "Start of the demo on existing data"),
    Benchmark("appending", "Ledger: appends by many writers at once"),
    Benchmark("sequencing", "Ledger: sequencer, and proofs among 1,000,000 entries"),
    Benchmark("rewrapping", "Key epoch: every key wrapped anew"),
    Benchmark("months", "Calendars: a month of 20 calendars"),
    Benchmark("free_busy", "Calendars: free and busy of 50 people"),
    Benchmark("copies", "Calendars: a copy against the provider", sandbox=True),
    Benchmark("graph", "Microsoft: messages listed, read and synced", sandbox=True),
    Benchmark("sending", "A message accepted, and a large file on its way", sandbox=True),
    Benchmark("drive", "A file of 1 GB on its way into a Drive", sandbox=True),
    Benchmark("drive_kills", "200 interrupted files on their way into a Drive", sandbox=True),
    Benchmark("polling", "Empty polls at Gmail and at Outlook", sandbox=True),
    Benchmark("hostile", "Hostile mail among good mail", sandbox=True),
    Benchmark("load", "Web server: requests of 1, 4 and 16 callers, 1 and 2 web processes"),
    Benchmark("features", "Platform features: requests and tokens of 1, 16 and 64 callers"),
    Benchmark("unwrapping", "Key store: OpenBao behind the inbox page"),
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    names = [benchmark.module for benchmark in BENCHMARKS]
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names))
    parser.add_argument("--json", type=Path, default=embedded_service.ROOT / "bench.json")
    parser.add_argument("--data", type=Path, default=embedded_service.ROOT / ".data" / "bench")
    parser.add_argument("--tiny", action="store_true", help="see that it runs; measures nothing")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(names):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}; there are {names}")
    if arguments.tiny:
        os.environ[sizes.TINY] = "1"
        print_line("Tiny: what it says of times and rates means nothing.")
    follow_parent()
    chosen = [one for one in BENCHMARKS if not arguments.names or one.module in arguments.names]
    arguments.data.mkdir(parents=True, exist_ok=True)
    try:
        with embedded_servers.run_servers(arguments.data, settings=SETTINGS) as urls:
            return _run_all(chosen, arguments.data, urls, arguments.json)
    except EmbeddedServersUnavailable as problem:
        sys.stderr.write(f"{problem}\n")
        return 1


def _run_all(
    chosen: list[Benchmark], data: Path, urls: embedded_servers.ServerUrls, output: Path
) -> int:
    facts = machine.facts(urls.database)
    print_line(
        f"{facts['processor']}, {facts['cores']} cores, Python {facts['python']},"
        f" PostgreSQL {facts['postgresql']['server_version']},"
        f" fsync {facts['postgresql']['fsync']}"
    )
    with ExitStack() as stack:
        stack.callback(databases.drop_roles, urls.database, ROLES)
        stack.callback(databases.drop, urls.database, databases.TEMPLATE)
        template = databases.create_database(urls.database, databases.TEMPLATE)
        _python(["tests.bench.prepare"], _environment(data, urls, template), data / "prepare.log")
        results, broken = _run_each(chosen, data, urls)
    found = {"machine": facts, "at": datetime.now(UTC).isoformat(), **results}
    output.write_text(json.dumps(found, indent=1, ensure_ascii=False), encoding="utf-8")
    print_line(f"\nAlso in {output}")
    return 1 if broken else 0


def _run_each(
    chosen: list[Benchmark], data: Path, urls: embedded_servers.ServerUrls
) -> tuple[dict[str, object], list[str]]:
    """Return what each found, by its name, and the names of those that broke."""
    results: dict[str, object] = {}
    broken = []
    for benchmark in chosen:
        began = time.monotonic()
        print_line(f"\n{benchmark.title}")
        try:
            figures = _run_one(benchmark, data, urls)
        except subprocess.CalledProcessError as error:
            broken.append(benchmark.module)
            print_line(f"  broke with status {error.returncode}: see {data / benchmark.module}.log")
            continue
        seconds = time.monotonic() - began
        print_line(table.render(figures))
        print_line(f"    {seconds:.0f} s")
        results[benchmark.module] = {"seconds": round(seconds, 1), "figures": as_json(figures)}
    return results, broken


def _run_one(benchmark: Benchmark, data: Path, urls: embedded_servers.ServerUrls) -> list[Figure]:
    name = f"{databases.TEMPLATE}_{benchmark.module}"
    database = databases.create_database(urls.database, name, template=databases.TEMPLATE)
    log = data / f"{benchmark.module}.log"
    log.unlink(missing_ok=True)
    # A ledger begins with each database; what another published would be a fork of it.
    for published in (data / "keyring").glob("checkpoints*"):
        published.unlink()
    with ExitStack() as stack:
        stack.callback(databases.drop, urls.database, name)
        environment = _environment(data, urls, database)
        if benchmark.sandbox:
            sandbox = stack.enter_context(google.run_sandbox(data / "sandbox.log", environment))
            environment = _environment(data, urls, database, sandbox_url=sandbox.url)
            environment[google.CONTROL] = sandbox.control_url
        output = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "figures.json"
        _python(["tests.bench.one", benchmark.module, str(output)], environment, log)
        return [Figure.of(values) for values in json.loads(output.read_text(encoding="utf-8"))]


def _environment(
    data: Path,
    urls: embedded_servers.ServerUrls,
    database: str,
    *,
    sandbox_url: str = "http://127.0.0.1:9",
) -> dict[str, str]:
    reached = embedded_servers.ServerUrls(database=database, broker=urls.broker)
    passwords = role_logins.read_or_create_passwords(data / "roles")
    return {
        **service_environment.build_environment(
            data,
            reached,
            url="http://localhost:8000",
            sandbox_url=sandbox_url,
            base_environment=os.environ,
        ),
        **NO_QUOTA,
        # Where what is measured logs in: the owner only writes what there is to read.
        **role_logins.build_environment(
            role_logins.build_database_logins(database, roles=ROLES, passwords=passwords)
        ),
        "DATABASE_ROLE_PREFIX": ROLES.prefix,
        "GOOGLE_CLIENT_ID": CLIENT_ID,
        "GOOGLE_CLIENT_SECRET": CLIENT_SECRET,
        "DJANGO_SETTINGS_MODULE": "tests.bench.settings",
    }


def _python(arguments: list[str], environment: Mapping[str, str], log: Path) -> None:
    # What the service logs is written, as it always is, but not to the screen.
    with log.open("ab") as output:
        subprocess.run(
            [sys.executable, "-m", *arguments],
            env=dict(environment),
            cwd=embedded_service.ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=True,
        )


def print_line(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
