"""Pieces of bytes whose total size is known before they are read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


class WrongSize(Exception):
    """The pieces have more or fewer bytes than stated. The last piece was not passed on."""


def iterate_exactly(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    """
    Hold each piece back until the size of the next is known to fit.

    :raises WrongSize: before the last piece, so that no reader takes the pieces for complete
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
        raise WrongSize
    if held:
        yield held


def split_pieces(pieces: Iterable[bytes], piece_bytes: int) -> Iterator[bytes]:
    """Return the same bytes in pieces of `piece_bytes`, of which only the last may be shorter."""
    pending = bytearray()
    for piece in pieces:
        # Views, because a source may yield large pieces.
        rest = memoryview(piece)
        while rest:
            room = piece_bytes - len(pending)
            pending += rest[:room]
            rest = rest[room:]
            if len(pending) == piece_bytes:
                full = bytes(pending)
                pending.clear()
                yield full
    if pending:
        yield bytes(pending)
