"""
The sink of an owner's own copy: one part of a file at a time, under its own permits.

A large copy takes longer than a permit lives. Each part reads keys and fences again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from accounts.actors import Actor, ActorKind
from limited_use.access_request import FenceKind
from limited_use.policy.policy_vocabulary import Purpose, Recipient

from . import sealed_rows
from .sealed_rows import Permits, SealedRow
from .traceback_guard import WrongSink, guard_plaintext

__all__ = ["SealedRow", "build_part"]

# Returns the part of the file for a row and its opened columns.
Shape = Callable[[Any, Mapping[str, bytes]], bytes]


@guard_plaintext
def build_part(
    rows: Sequence[SealedRow], *, permits: Permits, actor: Actor, shape: Shape, at: datetime
) -> bytes:
    """
    Return the bytes of some rows, for their owner.

    `shape` gets no columns of a damaged row.

    :param rows: few enough for memory
    :raises WrongSink, Unopenable:
    """
    sealed_rows.check_permits(
        permits, actor=actor, purposes={Purpose.USER_EXPORT}, recipients={Recipient.OWNER}
    )
    # Only a person asks for a copy, and a leaver gets no more of it.
    if actor.kind != ActorKind.PERSON or not all(
        any(fence.kind == FenceKind.MEMBERSHIP for fence in permit.fences)
        for permit in permits.values()
    ):
        raise WrongSink
    opened_rows = sealed_rows.open_rows(
        rows, permits, at=at, skip_damaged=True, skip_whole_rows=True
    )
    return b"".join(shape(row, values) for row, values in opened_rows)
