"""The tree's tiles in the database, and the proofs that are made of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from limited_use.models import Checkpoint, Leaf, Tile

from . import consistency as texts
from . import proofs, tiles, tree
from .tiles import Place


class NotSequenced(Exception):
    """Some entry has no place under a signed checkpoint yet. Come back after the sequencer."""


class Tiles:
    """Reads each tile once; what is written is seen by what is read afterwards."""

    def __init__(self) -> None:
        self._held: dict[Place, bytes] = {}

    def __call__(self, place: Place) -> bytes:
        held = self._held.get(place)
        if held is None:
            level, position = place
            found = (
                Tile.objects.filter(level=level, position=position)
                .values_list("hashes", flat=True)
                .first()
            )
            held = self._held[place] = b"" if found is None else bytes(found)
        return held

    def write(self, changed: Mapping[Place, bytes]) -> None:
        """Store tiles, in the caller's transaction."""
        self._held.update(changed)
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO limited_use_tile (level, position, hashes)"
                " SELECT * FROM unnest(%s::smallint[], %s::bigint[], %s::bytea[])"
                " ON CONFLICT (level, position) DO UPDATE SET hashes = EXCLUDED.hashes",
                [
                    [level for level, _ in changed],
                    [position for _, position in changed],
                    list(changed.values()),
                ],
            )


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry that has its proof."""

    id: UUID
    payload: bytes
    # A C2SP tlog-proof that carries the payload.
    proof: str


def prove(entry_ids: Iterable[UUID]) -> list[Entry]:
    """
    Return the entries with their proofs under the newest signed checkpoint, in the order given.

    :raises NotSequenced: if one of them has none yet
    """
    wanted = list(entry_ids)
    checkpoint = Checkpoint.objects.exclude(note="").order_by("-size").first()
    found = {
        leaf_id: (bytes(payload), idx)
        for leaf_id, payload, idx in Leaf.objects.filter(id__in=wanted).values_list(
            "id", "payload", "idx"
        )
    }
    if checkpoint is None:
        raise NotSequenced
    ranges = tiles.ranges(Tiles())
    proven: list[Entry] = []
    for entry_id in wanted:
        payload, idx = found.get(entry_id, (b"", None))
        if idx is None or idx >= checkpoint.size:
            raise NotSequenced
        path = tree.inclusion_proof(idx, checkpoint.size, ranges)
        proof = proofs.write(payload=payload, index=idx, path=path, note=checkpoint.note)
        proven.append(Entry(entry_id, payload, proof))
    return proven


def consistency(old: int, new: int) -> Sequence[bytes]:
    """Return the proof that the stored tree of `new` begins with that of `old`."""
    return tree.consistency_proof(old, new, tiles.ranges(Tiles()))


def latest_note() -> str | None:
    """Return the newest signed checkpoint."""
    signed = Checkpoint.objects.exclude(note="").order_by("-size")
    return signed.values_list("note", flat=True).first()


def prove_consistency(old: int, new: int) -> str:
    """
    Return the proof as text that the signed tree of `new` begins with that of `old`.

    :raises ValueError: if no checkpoint of `new` was signed, or `old` is not before it
    """
    signed = Checkpoint.objects.filter(size=new).exclude(note="")
    note = signed.values_list("note", flat=True).first()
    if note is None:
        raise ValueError(f"no checkpoint of {new} was signed")
    return texts.write(old=old, path=consistency(old, new), note=note)
