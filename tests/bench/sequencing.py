"""
A million waiting entries get their place, a signed checkpoint and proofs; then as many as usual.

By the sequencer itself, signing and publishing included. Its baseline writes the same places in
the same batches, and makes no tree. The root is made anew from every entry, in another way; proofs
are checked as outsiders check them, by what needs no database.
"""

from __future__ import annotations

import random
import time

from django.db import connection, transaction
from django.utils import timezone

from limited_use.ledger import ledger_publication, ledger_sequencer, merkle_tree, tile_store
from limited_use.ledger.signed_notes import VerifierKey
from limited_use.ledger.tile_store import EntryWithProof
from limited_use.models import Leaf
from limited_use.verify import verifier
from limited_use.verify.receipt_checks import ReceiptNotProven
from tests.bench import figures, leaves, mailbox, measure, sizes
from tests.bench.figures import Figure

ENTRIES = sizes.choose_size(1_000_000, tiny=2_500)
# What comes in within some seconds; how often; and how many proofs are looked at.
USUAL, ROUNDS = sizes.choose_size(100, tiny=5), sizes.choose_size(40, tiny=2)
PROOFS = sizes.choose_size(300, tiny=10)
# Batches of the baseline, which is the same for each.
BATCHES = sizes.choose_size(50, tiny=1)

_PLACE = """
UPDATE bench_leaf SET idx = placed.idx FROM unnest(%s::uuid[], %s::bigint[]) AS placed(id, idx)
 WHERE bench_leaf.id = placed.id
"""


def run_benchmark() -> list[Figure]:
    baseline = _places_alone()
    leaves.load(ENTRIES)
    mailbox.settle_tables()
    began, spent = time.perf_counter(), time.process_time()
    done = ledger_sequencer.run_sequencer(timezone.now())
    clock, processor = time.perf_counter() - began, time.process_time() - spent
    if done != ledger_sequencer.SequencerRun(ENTRIES, ENTRIES):
        raise AssertionError(f"{done} of {ENTRIES}")
    _check_tree(ENTRIES)
    few = [_measure_few_entries() for _ in range(ROUNDS)]
    entries, making = _measure_proofs()
    key = ledger_sequencer.get_verifier_key()
    checking = [_measure_check(entry, key) for entry in entries]
    return [
        figures.make_least_figure(
            "entries placed",
            ENTRIES / clock,
            "/s",
            least=10_000,
            baseline=baseline,
            against="the same places written by UPDATE, without a tree",
            note=f"{ENTRIES:,} in {clock:.1f} s, {processor:.1f} s of that in our process;"
            " signed and published",
        ),
        figures.plain(
            f"a run of {USUAL} entries",
            1000 * measure.median(few),
            "ms",
            note=f"placed, signed, published and on disk; median of {ROUNDS}",
        ),
        *_of_proofs(entries, making, checking),
    ]


def _of_proofs(
    entries: list[EntryWithProof], making: list[float], checking: list[float]
) -> list[Figure]:
    path = max(len(_path(entry.proof).encode()) for entry in entries)
    whole = max(len(entry.proof.encode()) for entry in entries)
    said = f"worst of {len(entries)} of {ENTRIES:,}"
    return [
        figures.make_limit_figure(
            "proof", path, "B", most=1024, note=f"index and path, as text; {said}"
        ),
        figures.plain(
            "… with what it is about", whole, "B", note="the entry and the signed checkpoint"
        ),
        figures.plain(
            "… made", 1000 * measure.median(making), "ms", note="one at a time, from the database"
        ),
        figures.make_limit_figure(
            "… checked offline",
            1000 * measure.median(checking),
            "ms",
            most=1,
            note=f"signature, path and root; median of {len(entries)}",
        ),
    ]


def _places_alone() -> float:
    """Return how many places a second are written into a table like the ledger's."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_leaf (LIKE limited_use_leaf INCLUDING ALL)")
        leaves.load(BATCHES * ledger_sequencer.BATCH, table="bench_leaf")
        mailbox.settle_tables()
        began = time.perf_counter()
        for batch in range(BATCHES):
            with transaction.atomic():
                cursor.execute(
                    "SELECT id FROM bench_leaf WHERE idx IS NULL ORDER BY id LIMIT %s",
                    [ledger_sequencer.BATCH],
                )
                ids = [one for (one,) in cursor.fetchall()]
                first = batch * ledger_sequencer.BATCH
                cursor.execute(_PLACE, [ids, list(range(first, first + len(ids)))])
        seconds = time.perf_counter() - began
        cursor.execute("SELECT count(*), max(idx) FROM bench_leaf WHERE idx IS NOT NULL")
        count, last = cursor.fetchone()
        cursor.execute("DROP TABLE bench_leaf")
    if (count, last + 1) != (BATCHES * ledger_sequencer.BATCH,) * 2:
        raise AssertionError(f"the baseline placed {count}")
    return float(count / seconds)


def _check_tree(size: int) -> None:
    """:raises AssertionError: unless what was published is the tree of all entries, in one row"""
    # Subtrees by height, the largest first: two of one height are one of the next.
    heap: list[tuple[int, bytes]] = []
    entries = Leaf.objects.order_by("idx").values_list("idx", "payload")
    for place, (idx, payload) in enumerate(entries.iterator(chunk_size=5_000)):
        if idx != place:
            raise AssertionError(f"place {place} is empty")
        found = (0, merkle_tree.hash_leaf(bytes(payload)))
        while heap and heap[-1][0] == found[0]:
            height, left = heap.pop()
            found = (height + 1, merkle_tree.hash_node(left, found[1]))
        heap.append(found)
    root = heap.pop()[1]
    while heap:
        root = merkle_tree.hash_node(heap.pop()[1], root)
    latest = ledger_publication.get_ledger_publication().get_latest()
    if latest is None or (latest[0].size, latest[0].root) != (size, root):
        raise AssertionError("what was published is another tree")


def _measure_few_entries() -> float:
    leaves.load(USUAL)
    before = ledger_sequencer.get_ledger_size()
    began = time.perf_counter()
    done = ledger_sequencer.run_sequencer(timezone.now())
    seconds = time.perf_counter() - began
    if done != ledger_sequencer.SequencerRun(USUAL, before + USUAL):
        raise AssertionError(f"{done} of {USUAL}")
    return seconds


def _measure_proofs() -> tuple[list[EntryWithProof], list[float]]:
    """Return proofs of entries all over the tree, and the seconds that each took to make."""
    rng = random.Random(5)  # noqa: S311 - repeatable
    size = ledger_sequencer.get_ledger_size()
    chosen = {0, size - 1, *rng.sample(range(size), PROOFS - 2)}
    found: list[EntryWithProof] = []
    seconds: list[float] = []
    for entry_id in Leaf.objects.filter(idx__in=chosen).values_list("id", flat=True):
        began = time.perf_counter()
        found += tile_store.prove_entries([entry_id])
        seconds.append(time.perf_counter() - began)
    return found, seconds


def _measure_check(entry: EntryWithProof, key: VerifierKey) -> float:
    """Return the seconds; the same proof with one hash of its path changed must not pass."""
    document = entry.proof.encode()
    began = time.perf_counter()
    verifier.check_signed_document(document, [key])
    seconds = time.perf_counter() - began
    path = _path(entry.proof).splitlines()
    forged = entry.proof.replace(path[-1], path[-2] if len(path) > 3 else "A" * 43 + "=")
    try:
        verifier.check_signed_document(forged.encode(), [key])
    except ReceiptNotProven:
        return seconds
    raise AssertionError("a forged proof passes")


def _path(proof: str) -> str:
    """Return what is not the entry itself, and not the signed checkpoint."""
    lines = proof.partition("\n\n")[0].splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("extra "))
