"""
Gives new entries their index, commits, and only then signs.

An advisory lock admits one run at a time. It finds late commits, and continues a killed run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max, QuerySet

from accounts import alarms
from limited_use.models import Checkpoint, Leaf
from limited_use.vault.keyring.keyring_factory import get_keyring
from limited_use.vault.keyring.keyring_port import SigningKey

from . import (
    entry_form,
    ledger_publication,
    merkle_tree,
    signed_notes,
    signing_keys,
    tombstone_publication,
    tree_tiles,
)
from .tile_store import LedgerTileStore

# Entries per transaction: 16 ms of hashing.
BATCH = 2000
LOCK_CLASS, LOCK = 0x4C55, 100
ALARM_KIND = "ledger.entry_set_aside"
# An alarm for each writer, whatever the number of rows.
_NO_SUBJECT = UUID(int=0)


class LedgerFork(Exception):
    """
    The database's tree does not continue the published one, so nothing is signed.

    After a restore, keep both trees and begin a log with a new name. For a new or lost sink, see
    `manage.py publish_checkpoint`.
    """


@dataclass(frozen=True, slots=True)
class SequencerRun:
    placed_count: int
    size: int


def run_sequencer(at: datetime, *, batch: int = BATCH) -> SequencerRun | None:
    """
    Place waiting entries, sign and publish the tree; None if another sequencer runs.

    :raises LedgerFork:
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK_CLASS, LOCK])
        if not cursor.fetchone()[0]:
            return None
    try:
        check_ledger_continuity()
        placed = 0
        while (count := _place_entries(at, batch)) is not None:
            placed += count
        size = _publish_checkpoint(at)
        # After the tree, so that no tombstone lacks a published record of the destruction.
        tombstone_publication.publish_owed_tombstones(at=at)
        return SequencerRun(placed, size)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK_CLASS, LOCK])


@contextmanager
def hold_sequencer_lock() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", [LOCK_CLASS, LOCK])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK_CLASS, LOCK])


def check_ledger_continuity() -> None:
    """:raises LedgerFork: if the stored tree does not begin with the published one"""
    latest = ledger_publication.get_ledger_publication().get_latest()
    signed = _get_signed_checkpoints().aggregate(size=Max("size"))["size"]
    if signed is not None and (latest is None or latest[0].size < signed):
        # Notes are published before they are stored in the database, so the sink lost some.
        raise LedgerFork(f"{signed} was signed, but is not published where it should be")
    if latest is None:
        return
    _check_begins_with(latest[0])


def _check_begins_with(checkpoint: signed_notes.LogCheckpoint) -> None:
    size = get_ledger_size()
    if checkpoint.origin != settings.LEDGER_ORIGIN:
        raise LedgerFork(f"what was published is of the log {checkpoint.origin}")
    if size < checkpoint.size:
        raise LedgerFork(f"published at {checkpoint.size}, but the database has {size}")
    if (
        checkpoint.size
        and tree_tiles.build_tile_range_root(LedgerTileStore())(0, checkpoint.size)
        != checkpoint.root
    ):
        raise LedgerFork(f"the tree of {checkpoint.size} is not the one that was published")


def _get_signed_checkpoints() -> QuerySet[Checkpoint]:
    return Checkpoint.objects.filter(note__startswith=f"{settings.LEDGER_ORIGIN}\n")


def republish_checkpoint() -> tuple[signed_notes.LogCheckpoint, str] | None:
    """
    Publish the newest signed checkpoint, if any, in an empty or outdated sink. Signs nothing.

    :raises LedgerFork: if the sink holds another log or another history
    """
    row = _get_signed_checkpoints().order_by("-size").first()
    if row is None:
        return None
    checkpoint = signed_notes.LogCheckpoint(settings.LEDGER_ORIGIN, row.size, bytes(row.root))
    sink = ledger_publication.get_ledger_publication()
    latest = sink.get_latest()
    if latest is None or latest[0].size < checkpoint.size:
        if latest is not None:
            _check_begins_with(latest[0])
        sink.append_checkpoint(checkpoint, row.note)
    check_ledger_continuity()
    return checkpoint, row.note


def get_ledger_size() -> int:
    """Return the number of entries with an index."""
    last = Checkpoint.objects.order_by("-size").values_list("size", flat=True).first()
    return last or 0


def get_verifier_key() -> signed_notes.VerifierKey:
    return signing_keys.get_current_signing_key(SigningKey.LEDGER)


def _place_entries(at: datetime, batch: int) -> int | None:
    """Return how many of the next rows were placed; None if no row waits."""
    with transaction.atomic():
        waiting = list(
            Leaf.objects.waiting()
            .order_by("id")
            .values_list("id", "payload", "subject", "writer")[:batch]
        )
        if not waiting:
            return None
        bad_ids = _set_bad_rows_aside(waiting, at)
        waiting = [row for row in waiting if row[0] not in bad_ids]
        if not waiting:
            return 0
        size = get_ledger_size()
        hashes = [merkle_tree.hash_leaf(bytes(payload)) for _, payload, *_ in waiting]
        store = LedgerTileStore()
        store.write_tiles(tree_tiles.append_leaves(size, hashes, store))
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE limited_use_leaf SET idx = placed.idx"
                " FROM unnest(%s::uuid[], %s::bigint[]) AS placed(id, idx)"
                " WHERE limited_use_leaf.id = placed.id",
                [
                    [row[0] for row in waiting],
                    list(range(size, size + len(waiting))),
                ],
            )
        new_size = size + len(waiting)
        Checkpoint.objects.create(
            size=new_size, root=tree_tiles.build_tile_range_root(store)(0, new_size), made_at=at
        )
        return len(waiting)


def _set_bad_rows_aside(
    waiting: Sequence[tuple[UUID, entry_form.Stored, entry_form.Stored | None, str]], at: datetime
) -> set[UUID]:
    bad_ids = set()
    for leaf_id, payload, subject, writer in waiting:
        fault = entry_form.find_fault(leaf_id, payload, subject, writer)
        if fault:
            bad_ids.add(leaf_id)
            Leaf.objects.filter(id=leaf_id).update(fault=fault)
            alarms.raise_alarm(
                kind=ALARM_KIND,
                about=_NO_SUBJECT,
                window=writer,
                body={"writer": writer, "fault": fault, "entry_id": str(leaf_id)},
                at=at,
            )
    return bad_ids


def _publish_checkpoint(at: datetime) -> int:
    row = Checkpoint.objects.order_by("-size").first()
    if row is None:
        return 0
    if row.note:
        return row.size
    checkpoint = signed_notes.LogCheckpoint(settings.LEDGER_ORIGIN, row.size, bytes(row.root))
    sink = ledger_publication.get_ledger_publication()
    latest = sink.get_latest()
    if latest is not None and latest[0] == checkpoint:
        # A run was killed after publishing, before storing the note.
        note = latest[1]
    else:
        keyring = get_keyring()
        key = signing_keys.record_current_key(SigningKey.LEDGER, at=at)
        note = signed_notes.sign_note(
            str(checkpoint), key, lambda text: keyring.sign(SigningKey.LEDGER, text)
        )
        sink.append_checkpoint(checkpoint, note)
    Checkpoint.objects.filter(size=row.size, note="").update(note=note, signed_at=at)
    return row.size
