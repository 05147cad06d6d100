"""A sandbox of our own: no quota, no validation, and all of its answers kept once made."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.embedded import tcp_ports
from config.embedded.child_processes import spawn_process, stop_process
from tests.worlds.sandbox import ROOT, Sandbox

# What a benchmark finds its control plane under.
CONTROL = "BENCH_SANDBOX_CONTROL"


@contextmanager
def run_sandbox(log: Path, environment: dict[str, str]) -> Iterator[Sandbox]:
    with (
        tcp_ports.reserve_port() as port,
        tcp_ports.reserve_port() as control,
        log.open("ab") as output,
    ):
        process = spawn_process(
            [
                *(sys.executable, "-m", "integrations.sandbox"),
                *("--port", str(port), "--control-port", str(control)),
            ],
            env=environment,
            output=output,
            cwd=ROOT,
        )
        sandbox = Sandbox(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{control}")
        try:
            tcp_ports.wait_for_port(control, process, name="sandbox")
            yield sandbox
        finally:
            sandbox.close()
            stop_process(process)


def remove_limits(sandbox: Sandbox) -> None:
    """Let nothing but the machine decide how fast a mailbox is read."""
    sandbox.dial(
        units_per_minute=0,
        project_units_per_minute=0,
        concurrency=0,
        cache_megabytes=2048,
        graph_requests_per_ten_minutes=0,
        graph_app_requests_per_ten_seconds=0,
    )
