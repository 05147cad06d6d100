"""
Check a series of signed checkpoints offline: the log only ever grew. Pure.

Whoever kept checkpoints over time finds here whether the service showed them
one history. Proofs between them may come from the service: a wrong one fails.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence

from limited_use.ledger import consistency, signed_notes
from limited_use.ledger.consistency import Consistency
from limited_use.ledger.signed_notes import BadNote, Checkpoint, VerifierKey
from limited_use.ledger.tree import BadProof


class NotConsistent(Exception):
    """Two checkpoints do not belong to one history, or it was not shown that they do."""


def read(text: str) -> list[str]:
    """
    Return the signed notes in `text`: a publication file (JSON lines), or one note as it is.

    :raises NotConsistent: if it is neither
    """
    if not text.startswith("{"):
        return [text]
    # Lines without an end were cut short by a crash, and never used.
    lines = [line for line in text.splitlines() if line.endswith("}")]
    try:
        return [line["note"] for line in map(json.loads, lines)]
    except (ValueError, KeyError, TypeError):
        pass
    raise NotConsistent("it is no file of checkpoints")


def check(
    signed: Sequence[str], proofs: Sequence[str], keys: Sequence[VerifierKey]
) -> Iterator[str]:
    """
    Yield what the checkpoints, in the order in which they were seen, prove together.

    :param signed: signed notes
    :param proofs: consistency proofs, in any order; more than are needed do no harm
    :raises NotConsistent: at the first two that do not fit, naming them
    """
    series = [_believed(note, keys) for note in signed]
    if not series:
        raise NotConsistent("it holds no checkpoint")
    given = [_parsed(text, keys) for text in proofs]
    yield f"checkpoint      {series[0].origin}, size {series[0].size}, signature good"
    for earlier, later in itertools.pairwise(series):
        _fit(earlier, later, given)
        yield f"grew            from {earlier.size} to {later.size}, nothing changed before"


def _believed(note: str, keys: Sequence[VerifierKey]) -> Checkpoint:
    try:
        return Checkpoint.parse(signed_notes.verify(note, keys))
    except BadNote as problem:
        said = str(problem)
    raise NotConsistent(f"a checkpoint is not signed by a key that was given: {said}")


def _parsed(text: str, keys: Sequence[VerifierKey]) -> Consistency:
    try:
        return consistency.parse(text, keys)
    except (BadNote, BadProof) as problem:
        said = str(problem)
    raise NotConsistent(f"a consistency proof cannot be read: {said}")


def _fit(earlier: Checkpoint, later: Checkpoint, given: Sequence[Consistency]) -> None:
    name = f"{earlier.size} and {later.size}"
    if earlier.origin != later.origin:
        raise NotConsistent(f"checkpoints {name} are of two logs")
    if later.size < earlier.size:
        raise NotConsistent(f"checkpoints {name}: the log shrank")
    if later.size == earlier.size:
        if later.root != earlier.root:
            raise NotConsistent(f"checkpoints {name} show two histories: a fork")
        return
    fitting = [one for one in given if (one.old, one.checkpoint) == (earlier.size, later)]
    if not earlier.size:
        fitting = [Consistency(0, (), later)]
    if not fitting:
        raise NotConsistent(f"no proof was given that {later.size} continues {earlier.size}")
    for proof in fitting:
        try:
            proof.check(earlier)
        except BadProof:
            continue
        return
    raise NotConsistent(f"{later.size} does not continue {earlier.size}: the log was rewritten")
