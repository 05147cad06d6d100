"""The sink of JSON answers: rows and permits in, the answer's bytes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from accounts.actors import Actor

from . import sealed_rows
from .sealed_rows import SHOWN_FOR, SHOWN_TO, Permits, SealedRow
from .traceback_guard import WrongSink, guard_plaintext

__all__ = ["SealedRow", "dump_json", "render_json_object", "render_json_page"]

Shape = Callable[[Any, Mapping[str, bytes]], Mapping[str, Any]]


@guard_plaintext
def render_json_page(  # noqa: PLR0913 - what it shows, and why it may
    rows: Sequence[SealedRow],
    *,
    permits: Permits,
    actor: Actor,
    shape: Shape,
    at: datetime,
    envelope: Mapping[str, Any] | None = None,
    under: str = "items",
) -> bytes:
    """
    Return a page as JSON for the actor. Damaged columns are left out.

    :param shape: makes a plain dict from a row and its opened columns
    :param envelope: members beside the rows (the next cursor, states)
    :param under: the member that holds the rows
    :raises WrongSink, Unopenable:
    """
    sealed_rows.check_permits(permits, actor=actor, purposes=SHOWN_FOR, recipients=SHOWN_TO)
    opened_rows = sealed_rows.open_rows(rows, permits, at=at, skip_damaged=True)
    shaped = [shape(row, values) for row, values in opened_rows]
    return dump_json({**(envelope or {}), under: shaped})


@guard_plaintext
def render_json_object(
    row: SealedRow, *, permits: Permits, actor: Actor, shape: Shape, at: datetime
) -> bytes:
    """:raises WrongSink, Unopenable:"""
    sealed_rows.check_permits(permits, actor=actor, purposes=SHOWN_FOR, recipients=SHOWN_TO)
    for source_row, values in sealed_rows.open_rows([row], permits, at=at):
        return dump_json(shape(source_row, values))
    raise WrongSink


@guard_plaintext
def dump_json(value: object) -> bytes:
    """Return the bytes of an answer. Times in UTC end in `Z`, as those that DRF writes."""
    return orjson.dumps(value, option=orjson.OPT_UTC_Z)
