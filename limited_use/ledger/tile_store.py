from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from limited_use.models import Checkpoint, Leaf, Tile

from . import consistency_proofs as texts
from . import entry_proofs, merkle_tree, tree_tiles
from .tree_tiles import TileAddress


class EntryNotSequenced(Exception):
    """An entry is not yet in a signed tree. Retry after the sequencer has run."""


class LedgerTileStore:
    """Reads each tile once. Later reads see written tiles."""

    def __init__(self) -> None:
        self._cached_tiles: dict[TileAddress, bytes] = {}

    def __call__(self, address: TileAddress) -> bytes:
        tile = self._cached_tiles.get(address)
        if tile is None:
            level, position = address
            hashes = (
                Tile.objects.filter(level=level, position=position)
                .values_list("hashes", flat=True)
                .first()
            )
            tile = self._cached_tiles[address] = b"" if hashes is None else bytes(hashes)
        return tile

    def write_tiles(self, changed: Mapping[TileAddress, bytes]) -> None:
        self._cached_tiles.update(changed)
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
class EntryWithProof:
    id: UUID
    payload: bytes
    # A C2SP tlog-proof that carries the payload.
    proof: str


def prove_entries(entry_ids: Iterable[UUID]) -> list[EntryWithProof]:
    """
    Return the entries, in the given order, with proofs under the newest signed checkpoint.

    :raises EntryNotSequenced:
    """
    entry_id_list = list(entry_ids)
    checkpoint = Checkpoint.objects.exclude(note="").order_by("-size").first()
    leaves = {
        leaf_id: (bytes(payload), idx)
        for leaf_id, payload, idx in Leaf.objects.filter(id__in=entry_id_list).values_list(
            "id", "payload", "idx"
        )
    }
    if checkpoint is None:
        raise EntryNotSequenced
    range_root = tree_tiles.build_tile_range_root(LedgerTileStore())
    proven: list[EntryWithProof] = []
    for entry_id in entry_id_list:
        payload, idx = leaves.get(entry_id, (b"", None))
        if idx is None or idx >= checkpoint.size:
            raise EntryNotSequenced
        path = merkle_tree.build_inclusion_proof(idx, checkpoint.size, range_root)
        proof = entry_proofs.write_entry_proof(
            payload=payload, index=idx, path=path, note=checkpoint.note
        )
        proven.append(EntryWithProof(entry_id, payload, proof))
    return proven


def build_consistency_path(old: int, new: int) -> Sequence[bytes]:
    return merkle_tree.build_consistency_proof(
        old, new, tree_tiles.build_tile_range_root(LedgerTileStore())
    )


def get_latest_note() -> str | None:
    signed = Checkpoint.objects.exclude(note="").order_by("-size")
    return signed.values_list("note", flat=True).first()


def prove_consistency(old: int, new: int) -> str:
    """
    Return the proof that the signed tree of `new` begins with that of `old`.

    :raises ValueError: if no checkpoint of `new` was signed, or `old` is not before `new`
    """
    signed = Checkpoint.objects.filter(size=new).exclude(note="")
    note = signed.values_list("note", flat=True).first()
    if note is None:
        raise ValueError(f"no checkpoint of {new} was signed")
    return texts.write_consistency_proof(old=old, path=build_consistency_path(old, new), note=note)
