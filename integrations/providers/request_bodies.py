"""Bodies that are read while they are sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class StreamedBody:
    """`size` bytes in `pieces`."""

    pieces: Iterable[bytes] = field(repr=False)
    size: int


class WrongBodySize(Exception):
    """The pieces are not `size` bytes. The request was not completed."""


def iterate_exactly(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    """
    Hold each piece back until the size of the next is known to fit.

    :raises WrongBodySize: before the last piece
    """
    remaining, held = size, b""
    for piece in pieces:
        remaining -= len(piece)
        if remaining < 0:
            break
        if held:
            yield held
        held = piece
    if remaining:
        # Surplus bytes would begin the connection's next request.
        raise WrongBodySize
    if held:
        yield held
