"""
The tree in tiles of 256 hashes, so that appending and proving read only parts of it. Pure.

A tile of level 0 holds leaf hashes; entry i of level n + 1 is the root of the full tile i of
level n.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from . import merkle_tree

WIDTH = 256
BITS = 8
HASH_BYTES = 32

TileAddress = tuple[int, int]
# Returns the current hashes of the tile at (level, position); empty if there is none.
ReadTile = Callable[[TileAddress], bytes]


class TileMissing(Exception):
    """A required tile is missing: the ledger's store is damaged."""


def append_leaves(
    size: int, leaf_hashes: Sequence[bytes], read: ReadTile
) -> dict[TileAddress, bytes]:
    """
    Return the changed tiles.

    :param size: of the tree before
    """
    changed: dict[TileAddress, bytes] = {}
    level, start, new = 0, size, list(leaf_hashes)
    while new:
        full: list[bytes] = []
        position, offset = divmod(start, WIDTH)
        while new:
            existing = read((level, position))[: offset * HASH_BYTES]
            if len(existing) != offset * HASH_BYTES:
                raise TileMissing((level, position))
            added, new = new[: WIDTH - offset], new[WIDTH - offset :]
            changed[level, position] = existing + b"".join(added)
            if offset + len(added) == WIDTH:
                full.append(_compute_root(changed[level, position], 0, WIDTH))
            position, offset = position + 1, 0
        # The first full tile is the one that was being filled at `start`.
        level, start, new = level + 1, start >> BITS, full
    return changed


def build_tile_range_root(read: ReadTile) -> merkle_tree.RangeRoot:
    def range_root(low: int, high: int) -> bytes:
        size = high - low
        if size == 0:
            return merkle_tree.EMPTY
        if size & (size - 1) == 0 and low % size == 0:
            return _compute_aligned_root(low, size.bit_length() - 1, read)
        middle = low + merkle_tree.get_split_size(size)
        return merkle_tree.hash_node(range_root(low, middle), range_root(middle, high))

    return range_root


def _compute_aligned_root(low: int, height: int, read: ReadTile) -> bytes:
    level, rest = divmod(height, BITS)
    first = low >> (level * BITS)
    position, offset = divmod(first, WIDTH)
    tile = read((level, position))
    end = offset + (1 << rest)
    if len(tile) < end * HASH_BYTES:
        raise TileMissing((level, position))
    return _compute_root(tile, offset, end)


def _compute_root(tile: bytes, low: int, high: int) -> bytes:
    row = [tile[at * HASH_BYTES : (at + 1) * HASH_BYTES] for at in range(low, high)]
    while len(row) > 1:
        row = [merkle_tree.hash_node(row[at], row[at + 1]) for at in range(0, len(row), 2)]
    return row[0]
