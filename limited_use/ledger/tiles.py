"""
The tree in tiles of 256 hashes, so that neither appending nor proving reads it whole. Pure.

A tile of level 0 holds leaf hashes; entry i of level n + 1 is the root of tile i
of level n, once that is full. So a subtree of any size that can occur in a
proof is some neighbouring entries of one tile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from . import tree

WIDTH = 256
BITS = 8
HASH = 32

Place = tuple[int, int]
# Returns the hashes of the tile at (level, position) so far; empty if there is none.
Read = Callable[[Place], bytes]


class Missing(Exception):
    """A tile that must exist does not. The ledger's store is damaged."""


def append(size: int, hashes: Sequence[bytes], read: Read) -> dict[Place, bytes]:
    """Return the tiles that change when leaves of these hashes follow a tree of `size`."""
    changed: dict[Place, bytes] = {}
    level, start, new = 0, size, list(hashes)
    while new:
        full: list[bytes] = []
        position, offset = divmod(start, WIDTH)
        while new:
            held = read((level, position))[: offset * HASH]
            if len(held) != offset * HASH:
                raise Missing((level, position))
            taken, new = new[: WIDTH - offset], new[WIDTH - offset :]
            changed[level, position] = held + b"".join(taken)
            if offset + len(taken) == WIDTH:
                full.append(_root(changed[level, position], 0, WIDTH))
            position, offset = position + 1, 0
        # The first full tile is the one that was being filled at `start`.
        level, start, new = level + 1, start >> BITS, full
    return changed


def ranges(read: Read) -> tree.RangeRoot:
    """Return the roots of ranges of the stored tree."""

    def range_root(low: int, high: int) -> bytes:
        size = high - low
        if size == 0:
            return tree.EMPTY
        if size & (size - 1) == 0 and low % size == 0:
            return _aligned(low, size.bit_length() - 1, read)
        middle = low + tree.split(size)
        return tree.node_hash(range_root(low, middle), range_root(middle, high))

    return range_root


def _aligned(low: int, height: int, read: Read) -> bytes:
    level, rest = divmod(height, BITS)
    first = low >> (level * BITS)
    position, offset = divmod(first, WIDTH)
    tile = read((level, position))
    end = offset + (1 << rest)
    if len(tile) < end * HASH:
        raise Missing((level, position))
    return _root(tile, offset, end)


def _root(tile: bytes, low: int, high: int) -> bytes:
    row = [tile[at * HASH : (at + 1) * HASH] for at in range(low, high)]
    while len(row) > 1:
        row = [tree.node_hash(row[at], row[at + 1]) for at in range(0, len(row), 2)]
    return row[0]
