"""
Ledger entries written with the business row they go with, by 1, 8 and 16 writers at once.

Against the same transaction with a global hash chain instead, which has to know the link before
its own. Once with nothing else in the transaction, and once with four milliseconds of other work
between the entry and the commit: as long as that takes, the head of a chain is nobody else's.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.db import connection
from django.utils import timezone

from accounts.ids import uuid7
from limited_use.ledger import entries, ledger_sequencer
from limited_use.models import Leaf
from tests.bench import chains, figures, leaves, measure, pgbench, sizes
from tests.bench.chains import Deed
from tests.bench.figures import Figure
from tests.bench.pgbench import PgbenchResult

WRITERS = (1, 8, 16)
# Times as many as the chain, without and with other work, where there is more than one writer.
LEAST = {False: 2.0, True: 5.0}
ROUNDS = sizes.choose_size(3, tiny=1)
SECONDS, EACH = sizes.choose_size(1, tiny=0), sizes.choose_size(0, tiny=3)

OURS, CHAIN, NONE = "ours", "chain", "none"
_WORK = "\\sleep 4 ms\n"
_DEED = (
    "INSERT INTO bench_deed (id, owner_id, said, done_at)"
    " VALUES (gen_random_uuid(), gen_random_uuid(), 'something was done', now());\n"
)
# The lock ends with the transaction; a statement of its own sees what was committed before it.
_LINK = (
    "SELECT pg_advisory_xact_lock(4711);\n"
    "INSERT INTO bench_link (payload, hash)"
    " SELECT entry, sha256(coalesce("
    "(SELECT hash FROM bench_link ORDER BY id DESC LIMIT 1), ''::bytea) || entry)"
    " FROM (SELECT {payload} AS entry) AS new;\n"
)


def run_benchmark() -> list[Figure]:
    statement, payload = _capture_append_statement()
    audits = {OURS: statement, CHAIN: _LINK.format(payload=payload), NONE: ""}
    found: dict[tuple[str, int, bool], list[PgbenchResult]] = {}
    with tempfile.TemporaryDirectory() as folder:
        scripts = _scripts(Path(folder), audits)
        for _ in range(ROUNDS):
            for writers in WRITERS:
                for (name, works), script in scripts.items():
                    one = pgbench.run_pgbench(script, writers=writers, seconds=SECONDS, each=EACH)
                    found.setdefault((name, writers, works), []).append(one)
    _check_rows_written(found)
    return [
        _build_figure(found, writers, works=works) for works in (False, True) for writers in WRITERS
    ]


def _capture_append_statement() -> tuple[str, str]:
    """Return the very statement that appends an entry, and the entry's bytes, as SQL."""
    seen: list[tuple[str, list[Any]]] = []

    def record_statement(
        execute: Any, text: str, values: list[Any], many: Any, context: Any
    ) -> Any:
        seen.append((text, values))
        return execute(text, values, many, context)

    # A connection begins with statements of its own.
    connection.ensure_connection()
    with connection.execute_wrapper(record_statement):
        entries.append_ledger_entries([(uuid7(), leaves.body())])
    ((text, (_, payload, subject)),) = seen
    written = [f"'\\x{bytes(value).hex()}'::bytea" for value in (payload, subject)]
    before, *rest = text.split("%s")
    if len(rest) != 3:
        raise AssertionError(f"an entry is appended in another way: {text}")
    parts = zip(("gen_random_uuid()", *written), rest, strict=True)
    return f"{before}{''.join(value + text for value, text in parts)};\n", written[0]


def _scripts(folder: Path, audits: Mapping[str, str]) -> dict[tuple[str, bool], Path]:
    made: dict[tuple[str, bool], Path] = {}
    for name, audit in audits.items():
        # How fast the row alone is written says what each of the two costs; once is enough.
        for works in (False,) if name == NONE else (False, True):
            script = made[name, works] = folder / f"{name}-{works}.sql"
            work = _WORK if works else ""
            script.write_text(f"BEGIN;\n{_DEED}{audit}{work}COMMIT;\n", encoding="utf-8")
    return made


def _check_rows_written(found: Mapping[tuple[str, int, bool], list[PgbenchResult]]) -> None:
    """:raises AssertionError: unless each transaction left its row, and its entry or link"""
    done = dict.fromkeys((OURS, CHAIN, NONE), 0)
    for (name, *_), runs in found.items():
        done[name] += sum(one.count for one in runs)
    if Deed.objects.count() != sum(done.values()):
        raise AssertionError(f"{Deed.objects.count()} rows of {sum(done.values())} transactions")
    # And the one whose statement was looked at.
    ran = ledger_sequencer.run_sequencer(timezone.now())
    if ran is None or ran.placed_count != done[OURS] + 1 or Leaf.objects.filter(idx=None).exists():
        raise AssertionError(f"{ran} of {done[OURS] + 1} entries")
    chains.check_chain(count=done[CHAIN])


def _build_figure(
    found: Mapping[tuple[str, int, bool], list[PgbenchResult]], writers: int, *, works: bool
) -> Figure:
    rates = {
        name: measure.median(one.per_second for one in found[name, writers, works])
        for name in (OURS, CHAIN, NONE)
        if (name, writers, works) in found
    }
    alone = f"{rates[NONE]:,.0f} /s without either; " if NONE in rates else ""
    least = LEAST[works] if writers > 1 else None
    return figures.make_times_figure(
        f"{writers} writer{'s' if writers > 1 else ''}{', 4 ms of work' if works else ''}",
        rates[OURS],
        "/s",
        baseline=rates[CHAIN],
        against="a global hash chain under an advisory lock, in the same transaction",
        least=least,
        more_is_better=True,
        note=f"{alone}pgbench, median of {ROUNDS} in turn",
    )
