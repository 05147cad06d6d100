"""PostgreSQL's own load generator, from the wheel that the servers come from: many writers in C."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Final, NamedTuple

from django.db import connection

from config.embedded import server_binaries

_COUNT: Final = re.compile(r"transactions actually processed: (\d+)")
_FAILED: Final = re.compile(r"failed transactions: (\d+)")
_RATE: Final = re.compile(r"tps = ([\d.]+)")


class PgbenchResult(NamedTuple):
    """Transactions that were committed, and how many of them in a second."""

    count: int
    per_second: float


def run_pgbench(script: Path, *, writers: int, seconds: int = 0, each: int = 0) -> PgbenchResult:
    """
    Run a script of one transaction in `writers` sessions at once, on this benchmark's database.

    :param seconds: for how long; or
    :param each: how many transactions of each
    :raises AssertionError: if one of them failed
    """
    done = subprocess.run(
        [
            str(server_binaries.find_postgres() / "bin" / "pgbench"),
            *("--no-vacuum", "--protocol", "prepared", "--file", str(script)),
            *("--client", str(writers), "--jobs", "1"),
            *(("--time", str(seconds)) if seconds else ("--transactions", str(each))),
        ],
        env=_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    if (failed := _FAILED.search(done.stdout)) and failed[1] != "0":
        raise AssertionError(f"{failed[1]} transactions failed: {done.stderr[-500:]}")
    count, rate = _COUNT.search(done.stdout), _RATE.search(done.stdout)
    if not count or not rate:
        raise AssertionError(done.stdout + done.stderr)
    return PgbenchResult(int(count[1]), float(rate[1]))


def _environment() -> dict[str, str]:
    told = connection.get_connection_params()
    names = {
        "host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD",
        "dbname": "PGDATABASE", "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT",
    }  # fmt: skip
    given = {variable: str(told[name]) for name, variable in names.items() if told.get(name)}
    # Whatever the server's default is: what a writer was told is written is on disk.
    return {**os.environ, **given, "PGOPTIONS": "-c synchronous_commit=on"}
