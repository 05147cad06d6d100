"""
The sequencer: gives new entries their place, commits, and only then signs.

One at a time, by an advisory lock. It looks for entries without a place, not
for ids above the last: those that committed late are found as well. Wherever it
is killed, the next run goes on from what was committed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max, QuerySet

from limited_use.models import Checkpoint, Leaf
from limited_use.vault.keyring.factory import get_keyring
from limited_use.vault.keyring.port import SigningKey

from . import publication, signed_notes, signing_keys, tiles, tombstone_publication, tree
from .tile_store import Tiles

# One transaction's worth: 16 ms of hashing.
BATCH = 2000
LOCK_CLASS, LOCK = 0x4C55, 100


class Fork(Exception):
    """
    The database's tree is not a continuation of what was published. Nothing is signed.

    A restore from a backup does this. The operator keeps both, and begins a log
    of a new name. A sink that is new or lost does it too: see `publish_checkpoint`.
    """


@dataclass(frozen=True, slots=True)
class Run:
    """What a run did."""

    placed_count: int
    size: int


def run(at: datetime, *, batch: int = BATCH) -> Run | None:
    """
    Place what waits, and sign and publish the tree; None if another sequencer is at it.

    :raises Fork: if the tree does not continue what was published
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK_CLASS, LOCK])
        if not cursor.fetchone()[0]:
            return None
    try:
        check_continues()
        placed = 0
        while count := _place(at, batch):
            placed += count
        size = _publish(at)
        # After the tree that says so: outside, no key is dead whose end is nowhere recorded.
        tombstone_publication.publish_owed(at=at)
        return Run(placed, size)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK_CLASS, LOCK])


@contextmanager
def alone() -> Iterator[None]:
    """Wait until no sequencer runs, and let none begin meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", [LOCK_CLASS, LOCK])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK_CLASS, LOCK])


def check_continues() -> None:
    """:raises Fork: if the stored tree does not begin with all that was published"""
    latest = publication.current().latest()
    signed = _signed().aggregate(size=Max("size"))["size"]
    if signed is not None and (latest is None or latest[0].size < signed):
        # Notes are published before they are stored here: the sink lost something.
        raise Fork(f"{signed} was signed, but is not published where it should be")
    if latest is None:
        return
    _check_begins_with(latest[0])


def _check_begins_with(checkpoint: signed_notes.Checkpoint) -> None:
    size = size_now()
    if checkpoint.origin != settings.LEDGER_ORIGIN:
        raise Fork(f"what was published is of the log {checkpoint.origin}")
    if size < checkpoint.size:
        raise Fork(f"published at {checkpoint.size}, but the database has {size}")
    if checkpoint.size and tiles.ranges(Tiles())(0, checkpoint.size) != checkpoint.root:
        raise Fork(f"the tree of {checkpoint.size} is not the one that was published")


def _signed() -> QuerySet[Checkpoint]:
    """Return what was signed under this name; a log that began anew has former names' as well."""
    return Checkpoint.objects.filter(note__startswith=f"{settings.LEDGER_ORIGIN}\n")


def publish_again() -> tuple[signed_notes.Checkpoint, str] | None:
    """
    Publish the newest signed checkpoint where nothing, or less, is published: in a new sink.

    Signs nothing. Returns the checkpoint, or None where none was ever signed.

    :raises Fork: if what is published there is another log's, or another history
    """
    made = _signed().order_by("-size").first()
    if made is None:
        return None
    checkpoint = signed_notes.Checkpoint(settings.LEDGER_ORIGIN, made.size, bytes(made.root))
    sink = publication.current()
    latest = sink.latest()
    if latest is None or latest[0].size < checkpoint.size:
        if latest is not None:
            _check_begins_with(latest[0])
        sink.append(checkpoint, made.note)
    check_continues()
    return checkpoint, made.note


def size_now() -> int:
    """Return how many entries have a place."""
    last = Checkpoint.objects.order_by("-size").values_list("size", flat=True).first()
    return last or 0


def verifier_key() -> signed_notes.VerifierKey:
    """Return the log's public key under its name, to publish."""
    return signing_keys.current(SigningKey.LEDGER)


def _place(at: datetime, batch: int) -> int:
    with transaction.atomic():
        waiting = list(
            Leaf.objects.filter(idx=None).order_by("id").values_list("id", "payload")[:batch]
        )
        if not waiting:
            return 0
        size = size_now()
        hashes = [tree.leaf_hash(bytes(payload)) for _, payload in waiting]
        store = Tiles()
        store.write(tiles.append(size, hashes, store))
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE limited_use_leaf SET idx = placed.idx"
                " FROM unnest(%s::uuid[], %s::bigint[]) AS placed(id, idx)"
                " WHERE limited_use_leaf.id = placed.id",
                [
                    [leaf_id for leaf_id, _ in waiting],
                    list(range(size, size + len(waiting))),
                ],
            )
        after = size + len(waiting)
        Checkpoint.objects.create(size=after, root=tiles.ranges(store)(0, after), made_at=at)
        return len(waiting)


def _publish(at: datetime) -> int:
    made = Checkpoint.objects.order_by("-size").first()
    if made is None:
        return 0
    if made.note:
        return made.size
    checkpoint = signed_notes.Checkpoint(settings.LEDGER_ORIGIN, made.size, bytes(made.root))
    file = publication.current()
    latest = file.latest()
    if latest is not None and latest[0] == checkpoint:
        # A run was killed between publishing and saying so here.
        note = latest[1]
    else:
        ring = get_keyring()
        key = signing_keys.note(SigningKey.LEDGER, at=at)
        note = signed_notes.sign(
            str(checkpoint), key, lambda text: ring.sign(SigningKey.LEDGER, text)
        )
        file.append(checkpoint, note)
    Checkpoint.objects.filter(size=made.size, note="").update(note=note, signed_at=at)
    return made.size
