"""
Read the whole ledger, compute everything again, and name the first thing that does not fit.

Entries are compared with the tree's stored leaf hashes, and those with the
checkpoints that were signed and published: so an entry that was changed, taken
out, put in or moved is named, and not only found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import orjson
from django.conf import settings
from django.db.models import Max

from limited_use.models import Checkpoint, Leaf, Tile
from limited_use.vault.keyring.port import SigningKey

from . import publication, row_diff, signed_notes, signing_keys, tiles, tree
from .row_diff import Difference, Found
from .tile_store import Tiles

CHUNK = 2000


class Broken(Exception):
    """
    Something does not fit; the text says what. Keep the evidence, then find out why.

    `found` names the entry where it is one.
    """

    def __init__(self, says: str, found: Found | None = None) -> None:
        super().__init__(says)
        self.found = found


@dataclass(frozen=True, slots=True)
class Audit:
    size: int
    checkpoint_count: int
    published_count: int
    waiting_count: int


@dataclass(frozen=True, slots=True)
class _Row:
    """An entry as its row says; `says_id` is the id that its payload says."""

    id: str
    says_id: str
    hash: bytes


def run() -> Audit:
    """
    Rebuild the tree from the entries alone and compare it with all that was stored and published.

    :raises Broken: at the first thing that does not fit
    """
    size = Checkpoint.objects.aggregate(size=Max("size"))["size"] or 0
    expected, built = Tiles(), dict[tiles.Place, bytes]()

    def read(place: tiles.Place) -> bytes:
        return built.get(place, b"")

    first: Broken | None = None
    for low, rows in _windows(size):
        first = first or _differ(low, rows, size, expected)
        hashes = [row.hash for row in rows[:CHUNK] if row is not None]
        if first is None:
            built |= tiles.append(low, hashes, read)
    _check_reference(size, expected, first)
    if first is not None:
        raise first
    _check_tiles(dict(built))
    ranges = tiles.ranges(read)
    count = 0
    for made in Checkpoint.objects.order_by("size").iterator():
        _check(
            signed_notes.Checkpoint(settings.LEDGER_ORIGIN, made.size, bytes(made.root)),
            size,
            ranges,
        )
        if made.note:
            _check_note(made)
        count += 1
    published_count = _check_published(size, ranges)
    return Audit(size, count, published_count, Leaf.objects.filter(idx=None).count())


def _windows(size: int) -> Iterator[tuple[int, Sequence[_Row | None]]]:
    """Yield each chunk of places and one more, so that what stands next can be told from it."""
    if stray := Leaf.objects.filter(idx__lt=0).first():
        raise Broken(f"entry {stray.id} has no place in the tree", Found(Difference.EXTRA, -1))
    last = Leaf.objects.aggregate(last=Max("idx"))["last"]
    for low in range(0, max(size, 0 if last is None else last + 1), CHUNK):
        rows: list[_Row | None] = [None] * (CHUNK + 1)
        found = Leaf.objects.filter(idx__gte=low, idx__lte=low + CHUNK).order_by("idx", "id")
        for entry_id, payload, idx in found.values_list("id", "payload", "idx"):
            at = (idx or 0) - low
            if rows[at] is not None:
                raise Broken(f"two entries stand at {idx}", Found(Difference.EXTRA, idx or 0))
            rows[at] = _Row(str(entry_id), _said_id(bytes(payload)), tree.leaf_hash(bytes(payload)))
        while rows and rows[-1] is None:
            rows.pop()
        yield low, rows


def _said_id(payload: bytes) -> str:
    try:
        return str(orjson.loads(payload)["id"])
    except (ValueError, KeyError, TypeError):
        return ""


def _differ(low: int, rows: Sequence[_Row | None], size: int, expected: Tiles) -> Broken | None:
    hashes = [None if row is None else row.hash for row in rows]
    theirs = _leaf_hashes(low, min(size, low + CHUNK + 1), expected)
    found = row_diff.first(low, hashes, theirs, lambda one: _locate(one, size, expected))
    if found is not None and found.place < low + CHUNK:
        return Broken(_says(found, rows, low), found)
    for row in rows:
        if row is not None and row.id != row.says_id:
            return Broken(f"the row of entry {row.says_id} is called {row.id}")
    return None


def _says(found: Found, rows: Sequence[_Row | None], low: int) -> str:
    at = found.place - low
    row = rows[at] if at < len(rows) else None
    entry = f"entry {found.place}" + (f" ({row.id})" if row else "")
    match found.what:
        case Difference.MISSING:
            return f"entry {found.place} is missing"
        case Difference.EXTRA:
            return f"{entry} is extra: it was never placed there"
        case Difference.REORDERED:
            return f"{entry} is out of order: its place is {found.belongs_at}"
        case Difference.CHANGED:
            return f"{entry} was changed"


def _leaf_hashes(low: int, high: int, read: Callable[[tiles.Place], bytes]) -> list[bytes]:
    found: list[bytes] = []
    while low + len(found) < high:
        position, offset = divmod(low + len(found), tiles.WIDTH)
        held = read((0, position))[offset * tiles.HASH : tiles.WIDTH * tiles.HASH]
        if not held:
            raise Broken(f"the hashes of the entries from {low + len(found)} on are missing")
        found += [held[at : at + tiles.HASH] for at in range(0, len(held), tiles.HASH)]
    return found[: max(0, high - low)]


def _locate(wanted: bytes, size: int, read: Callable[[tiles.Place], bytes]) -> int | None:
    for low in range(0, size, tiles.WIDTH):
        hashes = _leaf_hashes(low, min(size, low + tiles.WIDTH), read)
        if wanted in hashes:
            return low + hashes.index(wanted)
    return None


def _check_reference(size: int, expected: Tiles, first: Broken | None) -> None:
    """
    Check that the stored hashes are those that were published, before believing what they name.

    :raises Broken: if they are not: then what was published alone is right
    """
    latest = publication.current().latest()
    if latest is None or latest[0].size > size:
        return
    try:
        root = tiles.ranges(expected)(0, latest[0].size)
    except tiles.Missing:
        root = b""
    if root != latest[0].root:
        also = "" if first is None else f"; against its stored hashes: {first}"
        raise Broken(
            f"the stored tree of {latest[0].size} is not the one that was published{also}",
            None if first is None else first.found,
        )


def _check_tiles(built: dict[tiles.Place, bytes]) -> None:
    for tile in Tile.objects.order_by("level", "position").iterator():
        place = (tile.level, tile.position)
        if built.pop(place, None) != bytes(tile.hashes):
            raise Broken(f"tile {tile.level}/{tile.position} is not made of these entries")
    if built:
        level, position = min(built)
        raise Broken(f"tile {level}/{position} is missing")


def _check(checkpoint: signed_notes.Checkpoint, size: int, ranges: tree.RangeRoot) -> None:
    if checkpoint.size > size:
        raise Broken(f"a checkpoint of {checkpoint.size} was made, but there are {size} entries")
    if ranges(0, checkpoint.size) != checkpoint.root:
        raise Broken(f"the first {checkpoint.size} entries are not those of its checkpoint")


def _check_note(made: Checkpoint) -> None:
    believed = _believed(made.note)
    # Under a former name too, where the log began anew under this one.
    names = {key.name for key in signing_keys.known(SigningKey.LEDGER)}
    if (
        believed is None
        or believed.origin not in names
        or (believed.size, believed.root) != (made.size, bytes(made.root))
    ):
        raise Broken(f"the note of the checkpoint of {made.size} is not its own")


def _check_published(size: int, ranges: tree.RangeRoot) -> int:
    count, before = 0, 0
    for checkpoint, note in publication.current().checkpoints():
        if _believed(note) != checkpoint:
            raise Broken(f"what was published of {checkpoint.size} is not signed by this log")
        if checkpoint.size < before:
            raise Broken(f"{checkpoint.size} was published after {before}")
        _check(checkpoint, size, ranges)
        count, before = count + 1, checkpoint.size
    return count


def _believed(note: str) -> signed_notes.Checkpoint | None:
    # Former keys as well: what they signed stands.
    try:
        return signed_notes.Checkpoint.parse(
            signed_notes.verify(note, signing_keys.known(SigningKey.LEDGER))
        )
    except signed_notes.BadNote:
        return None
