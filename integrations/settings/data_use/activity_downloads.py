from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import orjson

from limited_use.ledger import tile_store

from .activity_log import MAX_ENTRIES, ActivityLine

# Columns, in order.
_VALUES: Final[dict[str, Callable[[ActivityLine], Any]]] = {
    "entry_id": lambda line: str(line.entry.id),
    "at": lambda line: line.entry.at.isoformat(timespec="milliseconds"),
    "event": lambda line: line.entry.event,
    "outcome": lambda line: line.entry.outcome,
    "who": lambda line: line.who,
    "feature": lambda line: line.entry.feature,
    "purpose": lambda line: line.entry.purpose,
    "data_class": lambda line: line.entry.data_class,
    "recipient": lambda line: line.entry.recipient,
    "count": lambda line: line.entry.count,
    "rule": lambda line: line.entry.rule,
    "rule_says": lambda line: line.says or None,
    "connection_id": lambda line: str(line.connection_id) if line.connection_id else None,
    # Index in the ledger's tree; empty until the entry is in the tree.
    "place": lambda line: line.entry.place,
}


class _Echo:
    """Returns each row to the caller of `csv.writer`, so that no file is kept in memory."""

    def write(self, row: str) -> str:
        return row


def stream_activity_csv(lines: Iterable[ActivityLine]) -> Iterator[bytes]:
    """Yield CSV (RFC 4180, UTF-8); a last line says if the file is incomplete."""
    writer = csv.writer(_Echo())
    yield _write_row(writer, list(_VALUES))
    count = 0
    for line in lines:
        count += 1
        yield _write_row(
            writer, ["" if value is None else value for value in _get_values(line).values()]
        )
    if count >= MAX_ENTRIES:
        yield _write_row(
            writer, ["", "", f"only the newest {MAX_ENTRIES}: ask for an earlier time"]
        )


def stream_activity_json(lines: Iterable[ActivityLine]) -> Iterator[bytes]:
    """
    Yield one JSON object: `entries`, newest first, `count`, `is_complete` and `checkpoint`.

    `checkpoint` is the ledger's newest signed head, or null.
    """
    yield b'{"entries":['
    count = 0
    for line in lines:
        yield (b"\n," if count else b"\n") + orjson.dumps(_get_values(line))
        count += 1
    end = {
        "count": count,
        "is_complete": count < MAX_ENTRIES,
        "checkpoint": tile_store.get_latest_note(),
    }
    yield b"\n]," + orjson.dumps(end).removeprefix(b"{") + b"\n"


def _get_values(line: ActivityLine) -> dict[str, Any]:
    return {name: value(line) for name, value in _VALUES.items()}


def _write_row(writer: Any, values: list[Any]) -> bytes:
    written: str = writer.writerow(values)
    return written.encode()
