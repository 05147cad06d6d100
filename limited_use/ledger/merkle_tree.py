"""
The Merkle tree of RFC 9162 §2.1: hashes, roots, proofs and their verification. Pure.

A `RangeRoot` returns the root of a stored tree's leaves from `low` to before `high`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

RangeRoot = Callable[[int, int], bytes]
EMPTY = hashlib.sha256(b"").digest()


class BadMerkleProof(Exception):
    """The proof is invalid."""


def hash_leaf(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def get_split_size(size: int) -> int:
    """Return the largest power of two below `size` (> 1)."""
    return 1 << (size - 1).bit_length() - 1


def build_merkle_range_root(hashes: Sequence[bytes]) -> RangeRoot:
    def range_root(low: int, high: int) -> bytes:
        if high - low == 1:
            return hashes[low]
        if high == low:
            return EMPTY
        middle = low + get_split_size(high - low)
        return hash_node(range_root(low, middle), range_root(middle, high))

    return range_root


def build_inclusion_proof(index: int, size: int, range_root: RangeRoot) -> list[bytes]:
    """
    Return the path of a leaf, its sibling first (§2.1.3.1).

    :raises ValueError: if the tree has no such leaf
    """
    if not 0 <= index < size:
        raise ValueError("the tree has no such leaf")
    low, high, path = 0, size, []
    while high - low > 1:
        middle = low + get_split_size(high - low)
        if index < middle:
            path.append(range_root(middle, high))
            high = middle
        else:
            path.append(range_root(low, middle))
            low = middle
    return path[::-1]


def verify_inclusion(
    leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes
) -> None:
    """
    Verify that `leaf` is at `index` in the tree (§2.1.3.2).

    :raises BadMerkleProof:
    """
    if not 0 <= index < size:
        raise BadMerkleProof("the tree has no such leaf")
    node, last, computed = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise BadMerkleProof("the path is too long")
        if node & 1 or node == last:
            computed = hash_node(sibling, computed)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            computed = hash_node(computed, sibling)
        node, last = node >> 1, last >> 1
    if last or computed != root:
        raise BadMerkleProof("the path does not lead to the root")


def build_consistency_proof(old: int, new: int, range_root: RangeRoot) -> list[bytes]:
    """
    Return the proof that tree `new` begins with tree `old` (§2.1.4.1).

    :raises ValueError: unless 0 < old <= new
    """
    if not 0 < old <= new:
        raise ValueError("consistency is from a tree to a later one")
    return [] if old == new else _build_subproof(old, 0, new, range_root, is_whole_tree=True)


def _build_subproof(
    old: int, low: int, high: int, range_root: RangeRoot, *, is_whole_tree: bool
) -> list[bytes]:
    size = high - low
    if old == size:
        return [] if is_whole_tree else [range_root(low, high)]
    middle = get_split_size(size)
    if old <= middle:
        return [
            *_build_subproof(old, low, low + middle, range_root, is_whole_tree=is_whole_tree),
            range_root(low + middle, high),
        ]
    return [
        *_build_subproof(old - middle, low + middle, high, range_root, is_whole_tree=False),
        range_root(low, low + middle),
    ]


def verify_consistency(  # noqa: C901 - the order of steps is the specification's
    old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes
) -> None:
    """
    Verify that tree `new` begins with tree `old` (§2.1.4.2).

    :raises BadMerkleProof:
    """
    if not 0 < old <= new:
        raise BadMerkleProof("consistency is from a tree to a later one")
    if old == new:
        if proof or old_root != new_root:
            raise BadMerkleProof("two trees of one size differ")
        return
    if not proof:
        raise BadMerkleProof("the proof is empty")
    hashes = list(proof) if old & (old - 1) else [old_root, *proof]
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    computed_old = computed_new = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            raise BadMerkleProof("the proof is too long")
        if node & 1 or node == last:
            computed_old = hash_node(sibling, computed_old)
            computed_new = hash_node(sibling, computed_new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            computed_new = hash_node(computed_new, sibling)
        node, last = node >> 1, last >> 1
    if last or computed_old != old_root or computed_new != new_root:
        raise BadMerkleProof("the trees are not consistent")
