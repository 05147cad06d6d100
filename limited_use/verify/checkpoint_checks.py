"""
Checks a series of signed checkpoints offline: the log only ever grew. Pure.

Checkpoints kept over time show one history. The service may supply the proofs: a wrong one fails.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence

from limited_use.ledger import consistency_proofs, signed_notes
from limited_use.ledger.consistency_proofs import ConsistencyProof
from limited_use.ledger.merkle_tree import BadMerkleProof
from limited_use.ledger.signed_notes import BadNote, LogCheckpoint, VerifierKey


class CheckpointsInconsistent(Exception):
    """Two checkpoints do not share one history, or the proof is missing."""


def parse_checkpoint_notes(text: str) -> list[str]:
    """
    Return the signed notes of a publication file (JSON lines), or a single note.

    :raises CheckpointsInconsistent: if `text` is neither
    """
    if not text.startswith("{"):
        return [text]
    # Crashes cut other lines short; they were never used.
    lines = [line for line in text.splitlines() if line.endswith("}")]
    try:
        return [line["note"] for line in map(json.loads, lines)]
    except (ValueError, KeyError, TypeError):
        pass
    raise CheckpointsInconsistent("it is no file of checkpoints")


def check_checkpoint_series(
    signed_notes: Sequence[str], proofs: Sequence[str], keys: Sequence[VerifierKey]
) -> Iterator[str]:
    """
    Yield the findings on checkpoints.

    :param signed_notes: in the order of their publication
    :param proofs: consistency proofs in any order; extra ones are ignored
    :raises CheckpointsInconsistent: at the first pair that does not fit, naming both
    """
    series = [_verify_checkpoint(note, keys) for note in signed_notes]
    if not series:
        raise CheckpointsInconsistent("it holds no checkpoint")
    parsed_proofs = [_parse_proof(text, keys) for text in proofs]
    yield f"checkpoint      {series[0].origin}, size {series[0].size}, signature good"
    for earlier, later in itertools.pairwise(series):
        _check_pair(earlier, later, parsed_proofs)
        yield f"grew            from {earlier.size} to {later.size}, nothing changed before"


def _verify_checkpoint(note: str, keys: Sequence[VerifierKey]) -> LogCheckpoint:
    try:
        return LogCheckpoint.parse(signed_notes.verify_note(note, keys))
    except BadNote as problem:
        message = str(problem)
    raise CheckpointsInconsistent(f"a checkpoint is not signed by a key that was given: {message}")


def _parse_proof(text: str, keys: Sequence[VerifierKey]) -> ConsistencyProof:
    try:
        return consistency_proofs.parse_consistency_proof(text, keys)
    except (BadNote, BadMerkleProof) as problem:
        message = str(problem)
    raise CheckpointsInconsistent(f"a consistency proof cannot be read: {message}")


def _check_pair(
    earlier: LogCheckpoint, later: LogCheckpoint, proofs: Sequence[ConsistencyProof]
) -> None:
    sizes = f"{earlier.size} and {later.size}"
    if earlier.origin != later.origin:
        raise CheckpointsInconsistent(f"checkpoints {sizes} are of two logs")
    if later.size < earlier.size:
        raise CheckpointsInconsistent(f"checkpoints {sizes}: the log shrank")
    if later.size == earlier.size:
        if later.root != earlier.root:
            raise CheckpointsInconsistent(f"checkpoints {sizes} show two histories: a fork")
        return
    fitting = [proof for proof in proofs if (proof.old, proof.checkpoint) == (earlier.size, later)]
    if not earlier.size:
        fitting = [ConsistencyProof(0, (), later)]
    if not fitting:
        raise CheckpointsInconsistent(
            f"no proof was given that {later.size} continues {earlier.size}"
        )
    for proof in fitting:
        try:
            proof.check_begins_with(earlier)
        except BadMerkleProof:
            continue
        return
    raise CheckpointsInconsistent(
        f"{later.size} does not continue {earlier.size}: the log was rewritten"
    )
