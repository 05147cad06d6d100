"""
The sink of an owner's own copy: a part of a file at a time, each under permits of its own.

A copy of a large mailbox takes longer than a permit lives, so every part is asked for again.
Keys and fences are read with each: a copy dies with what it is of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from accounts.actors import Actor, ActorKind
from limited_use.access_request import FenceKind
from limited_use.policy.vocabulary import Purpose, Recipient

from . import rows as sealed_rows
from .rows import Permits, SealedRow
from .traceback_guard import WrongSink, guard_plaintext

__all__ = ["SealedRow", "build_part"]

# From a row and its opened columns to its part of the file.
Shape = Callable[[Any, Mapping[str, bytes]], bytes]


@guard_plaintext
def build_part(
    rows: Sequence[SealedRow], *, permits: Permits, actor: Actor, shape: Shape, at: datetime
) -> bytes:
    """
    Return the bytes of some rows of the copy, for their owner.

    Of a row that is damaged nothing opens: `shape` is given none of its columns, and says so.

    :param rows: few enough to be held in memory at once
    :raises WrongSink: if a permit is not for giving this copy to its owner
    :raises Unopenable: if a permit holds no longer: it was disconnected, or they left
    """
    sealed_rows.check_permits(
        permits, actor=actor, purposes={Purpose.USER_EXPORT}, recipients={Recipient.OWNER}
    )
    # Only a person asks for a copy, and who leaves in the middle of one gets no more of it.
    if actor.kind != ActorKind.PERSON or not all(
        any(fence.kind == FenceKind.MEMBERSHIP for fence in permit.fences)
        for permit in permits.values()
    ):
        raise WrongSink
    opened_rows = sealed_rows.open_rows(
        rows, permits, at=at, skip_damaged=True, skip_whole_rows=True
    )
    return b"".join(shape(row, values) for row, values in opened_rows)
