"""
Audits the whole ledger: recomputes every hash, names the first fault and each row that is no entry.

Compares entries, stored leaf hashes, and signed and published checkpoints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Max

from limited_use.models import Checkpoint, Leaf, Tile
from limited_use.vault.keyring.keyring_port import SigningKey

from . import (
    entry_diff,
    entry_form,
    ledger_publication,
    merkle_tree,
    signed_notes,
    signing_keys,
    tree_tiles,
)
from .entry_diff import EntryDifferenceKind, LedgerEntryDifference
from .tile_store import LedgerTileStore

CHUNK = 2000


class LedgerBroken(Exception):
    """
    The ledger is inconsistent; the message says where. Keep the evidence, then find the cause.

    `difference` describes a faulty entry.
    """

    def __init__(self, message: str, difference: LedgerEntryDifference | None = None) -> None:
        super().__init__(message)
        self.difference = difference


@dataclass(frozen=True, slots=True)
class AuditResult:
    size: int
    checkpoint_count: int
    published_count: int
    waiting_count: int
    set_aside_count: int


@dataclass(frozen=True, slots=True)
class _StoredEntry:
    id: str
    hash: bytes


def audit_ledger() -> AuditResult:
    """
    Rebuild the tree from the entries, and compare it with all stored and published data.

    :raises LedgerBroken: with the first fault, and a line for each row in the tree that is no entry
    """
    bad_rows: list[str] = []
    try:
        result = _compare_ledger(bad_rows)
    except LedgerBroken as problem:
        raise LedgerBroken("\n".join([str(problem), *bad_rows]), problem.difference) from None
    if bad_rows:
        raise LedgerBroken("\n".join(bad_rows))
    return result


def _compare_ledger(bad_rows: list[str]) -> AuditResult:
    size = Checkpoint.objects.aggregate(size=Max("size"))["size"] or 0
    expected, built = LedgerTileStore(), dict[tree_tiles.TileAddress, bytes]()

    def read_built_tile(place: tree_tiles.TileAddress) -> bytes:
        return built.get(place, b"")

    first_fault: LedgerBroken | None = None
    for low, rows in _read_windows(size, bad_rows):
        first_fault = first_fault or _compare_window(low, rows, size, expected)
        hashes = [row.hash for row in rows[:CHUNK] if row is not None]
        if first_fault is None:
            built |= tree_tiles.append_leaves(low, hashes, read_built_tile)
    _check_against_publication(size, expected, first_fault)
    if first_fault is not None:
        raise first_fault
    _check_tiles(dict(built))
    range_root = tree_tiles.build_tile_range_root(read_built_tile)
    count = 0
    for checkpoint in Checkpoint.objects.order_by("size").iterator():
        _check_checkpoint(
            signed_notes.LogCheckpoint(
                settings.LEDGER_ORIGIN, checkpoint.size, bytes(checkpoint.root)
            ),
            size,
            range_root,
        )
        if checkpoint.note:
            _check_note(checkpoint)
        count += 1
    published_count = _check_published(size, range_root)
    set_aside_count = Leaf.objects.exclude(fault="").count()
    waiting_count = Leaf.objects.waiting().count()
    return AuditResult(size, count, published_count, waiting_count, set_aside_count)


def _read_windows(
    size: int, bad_rows: list[str]
) -> Iterator[tuple[int, Sequence[_StoredEntry | None]]]:
    if stray := Leaf.objects.filter(idx__lt=0).first():
        raise LedgerBroken(
            f"entry {stray.id} has no place in the tree",
            LedgerEntryDifference(EntryDifferenceKind.EXTRA, -1),
        )
    last = Leaf.objects.aggregate(last=Max("idx"))["last"]
    for low in range(0, max(size, 0 if last is None else last + 1), CHUNK):
        rows: list[_StoredEntry | None] = [None] * (CHUNK + 1)
        leaves = Leaf.objects.filter(idx__gte=low, idx__lte=low + CHUNK).order_by("idx", "id")
        for entry_id, payload, subject, idx in leaves.values_list(
            "id", "payload", "subject", "idx"
        ):
            at = (idx or 0) - low
            if rows[at] is not None:
                raise LedgerBroken(
                    f"two entries stand at {idx}",
                    LedgerEntryDifference(EntryDifferenceKind.EXTRA, idx or 0),
                )
            rows[at] = _StoredEntry(str(entry_id), merkle_tree.hash_leaf(bytes(payload)))
            # The window overlaps the next one by a row. The writer was checked before.
            if at < CHUNK and (fault := entry_form.find_fault(entry_id, payload, subject, "")):
                bad_rows.append(f"entry {idx} ({entry_id}) is no entry: {fault}")
        while rows and rows[-1] is None:
            rows.pop()
        yield low, rows


def _compare_window(
    low: int, rows: Sequence[_StoredEntry | None], size: int, expected: LedgerTileStore
) -> LedgerBroken | None:
    hashes = [None if row is None else row.hash for row in rows]
    expected_hashes = _read_leaf_hashes(low, min(size, low + CHUNK + 1), expected)
    difference = entry_diff.find_first_entry_difference(
        low, hashes, expected_hashes, lambda leaf_hash: _locate_leaf(leaf_hash, size, expected)
    )
    if difference is not None and difference.index < low + CHUNK:
        return LedgerBroken(_describe_difference(difference, rows, low), difference)
    return None


def _describe_difference(
    difference: LedgerEntryDifference, rows: Sequence[_StoredEntry | None], low: int
) -> str:
    offset = difference.index - low
    row = rows[offset] if offset < len(rows) else None
    entry = f"entry {difference.index}" + (f" ({row.id})" if row else "")
    match difference.kind:
        case EntryDifferenceKind.MISSING:
            return f"entry {difference.index} is missing"
        case EntryDifferenceKind.EXTRA:
            return f"{entry} is extra: it was never placed there"
        case EntryDifferenceKind.REORDERED:
            return f"{entry} is out of order: its place is {difference.belongs_at}"
        case EntryDifferenceKind.CHANGED:
            return f"{entry} was changed"


def _read_leaf_hashes(
    low: int, high: int, read: Callable[[tree_tiles.TileAddress], bytes]
) -> list[bytes]:
    hashes: list[bytes] = []
    while low + len(hashes) < high:
        position, offset = divmod(low + len(hashes), tree_tiles.WIDTH)
        tile = read((0, position))[
            offset * tree_tiles.HASH_BYTES : tree_tiles.WIDTH * tree_tiles.HASH_BYTES
        ]
        if not tile:
            raise LedgerBroken(f"the hashes of the entries from {low + len(hashes)} on are missing")
        hashes += [
            tile[at : at + tree_tiles.HASH_BYTES]
            for at in range(0, len(tile), tree_tiles.HASH_BYTES)
        ]
    return hashes[: max(0, high - low)]


def _locate_leaf(
    leaf_hash: bytes, size: int, read: Callable[[tree_tiles.TileAddress], bytes]
) -> int | None:
    for low in range(0, size, tree_tiles.WIDTH):
        hashes = _read_leaf_hashes(low, min(size, low + tree_tiles.WIDTH), read)
        if leaf_hash in hashes:
            return low + hashes.index(leaf_hash)
    return None


def _check_against_publication(
    size: int, expected: LedgerTileStore, first: LedgerBroken | None
) -> None:
    """
    Check the stored hashes against the published checkpoint, before they accuse an entry.

    If they differ, only the published checkpoint is right.
    """
    latest = ledger_publication.get_ledger_publication().get_latest()
    if latest is None or latest[0].size > size:
        return
    try:
        root = tree_tiles.build_tile_range_root(expected)(0, latest[0].size)
    except tree_tiles.TileMissing:
        root = b""
    if root != latest[0].root:
        also = "" if first is None else f"; against its stored hashes: {first}"
        raise LedgerBroken(
            f"the stored tree of {latest[0].size} is not the one that was published{also}",
            None if first is None else first.difference,
        )


def _check_tiles(built: dict[tree_tiles.TileAddress, bytes]) -> None:
    for tile in Tile.objects.order_by("level", "position").iterator():
        place = (tile.level, tile.position)
        if built.pop(place, None) != bytes(tile.hashes):
            raise LedgerBroken(f"tile {tile.level}/{tile.position} is not made of these entries")
    if built:
        level, position = min(built)
        raise LedgerBroken(f"tile {level}/{position} is missing")


def _check_checkpoint(
    checkpoint: signed_notes.LogCheckpoint, size: int, range_root: merkle_tree.RangeRoot
) -> None:
    if checkpoint.size > size:
        raise LedgerBroken(
            f"a checkpoint of {checkpoint.size} was made, but there are {size} entries"
        )
    if range_root(0, checkpoint.size) != checkpoint.root:
        raise LedgerBroken(f"the first {checkpoint.size} entries are not those of its checkpoint")


def _check_note(row: Checkpoint) -> None:
    signed = _verify_note(row.note)
    # A log that began again also has notes under its former name.
    names = {key.name for key in signing_keys.get_known_signing_keys(SigningKey.LEDGER)}
    if (
        signed is None
        or signed.origin not in names
        or (signed.size, signed.root) != (row.size, bytes(row.root))
    ):
        raise LedgerBroken(f"the note of the checkpoint of {row.size} is not its own")


def _check_published(size: int, range_root: merkle_tree.RangeRoot) -> int:
    count, before = 0, 0
    for checkpoint, note in ledger_publication.get_ledger_publication().read_checkpoints():
        if _verify_note(note) != checkpoint:
            raise LedgerBroken(f"what was published of {checkpoint.size} is not signed by this log")
        if checkpoint.size < before:
            raise LedgerBroken(f"{checkpoint.size} was published after {before}")
        _check_checkpoint(checkpoint, size, range_root)
        count, before = count + 1, checkpoint.size
    return count


def _verify_note(note: str) -> signed_notes.LogCheckpoint | None:
    # Signatures of former keys stay valid.
    try:
        return signed_notes.LogCheckpoint.parse(
            signed_notes.verify_note(note, signing_keys.get_known_signing_keys(SigningKey.LEDGER))
        )
    except signed_notes.BadNote:
        return None
