from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC
from typing import Any, Final

import orjson
from django.utils.translation import gettext

from integrations.formats import csv_rows
from limited_use.ledger import tile_store

from .activity_log import MAX_ENTRIES, ActivityLine

# Columns in words, in order. Times are UTC, and the name says so.
_COLUMNS: Final[dict[str, Callable[[ActivityLine], Any]]] = {
    "entry_id": lambda line: str(line.entry.id),
    "at_utc": lambda line: line.entry.at.astimezone(UTC).isoformat(timespec="milliseconds"),
    "who": lambda line: line.who,
    "what": lambda line: line.what,
    "feature": lambda line: line.feature or None,
    "data": lambda line: line.data or None,
    "recipient": lambda line: line.recipient or None,
    "items": lambda line: line.entry.count,
    "outcome": lambda line: str(line.outcome),
    "reason": lambda line: line.reason or None,
    "account": lambda line: line.connection or None,
    # Index in the ledger's tree; empty until the entry is in the tree.
    "entry_number": lambda line: line.entry.place,
}
# The words of the ledger, as the proof of an entry has them.
_LEDGER_VALUES: Final[dict[str, Callable[[ActivityLine], Any]]] = {
    "event": lambda line: line.entry.event,
    "purpose": lambda line: line.entry.purpose,
    "class": lambda line: line.entry.data_class,
    "recipient": lambda line: line.entry.recipient,
    "rule": lambda line: line.entry.rule,
    "missing": lambda line: list(line.entry.missing),
    "feature": lambda line: line.entry.feature,
    "connection_id": lambda line: str(line.connection_id) if line.connection_id else None,
}


def stream_activity_csv(lines: Iterable[ActivityLine]) -> Iterator[bytes]:
    """Yield CSV (RFC 4180, UTF-8) in words; a last line says if the file is incomplete."""
    yield csv_rows.format_row(_COLUMNS)
    count = 0
    for line in lines:
        count += 1
        yield csv_rows.format_row(_get_values(_COLUMNS, line).values())
    if count >= MAX_ENTRIES:
        text = gettext("Only the newest %(count)d entries. Filter by an earlier time for others.")
        yield csv_rows.format_row(["", "", text % {"count": MAX_ENTRIES}])


def stream_activity_json(lines: Iterable[ActivityLine]) -> Iterator[bytes]:
    """
    Yield one JSON object: `entries`, newest first, `count`, `is_complete` and `checkpoint`.

    Each entry has the words of the page, and under `ledger` those of the ledger. `checkpoint` is
    the ledger's newest signed head, or null.
    """
    yield b'{"entries":['
    count = 0
    for line in lines:
        entry = {**_get_values(_COLUMNS, line), "ledger": _get_values(_LEDGER_VALUES, line)}
        yield (b"\n," if count else b"\n") + orjson.dumps(entry)
        count += 1
    end = {
        "count": count,
        "is_complete": count < MAX_ENTRIES,
        "checkpoint": tile_store.get_latest_note(),
    }
    yield b"\n]," + orjson.dumps(end).removeprefix(b"{") + b"\n"


def _get_values(
    columns: dict[str, Callable[[ActivityLine], Any]], line: ActivityLine
) -> dict[str, Any]:
    return {name: value(line) for name, value in columns.items()}
