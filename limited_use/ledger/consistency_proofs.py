"""
Consistency proofs as text: a later tree begins with an earlier one. Pure.

As in a request to a witness: `old` and the earlier size, one hash per line, an empty line, and
the later signed checkpoint. https://c2sp.org/tlog-witness, RFC 9162 §2.1.4
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass

from . import merkle_tree, signed_notes
from .merkle_tree import BadMerkleProof
from .signed_notes import BadNote, LogCheckpoint, VerifierKey

# The specification's limit: enough below 2^63 leaves.
MAX_PROOF_LENGTH = 63
_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})\Z")
# The boundary between two proofs in one file.
_NEXT = re.compile(r"^(?=old [0-9]+$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ConsistencyProof:
    """A parsed proof. Only the signature of its checkpoint is verified."""

    old: int
    path: tuple[bytes, ...]
    checkpoint: LogCheckpoint

    def check_begins_with(self, earlier: LogCheckpoint) -> None:
        """:raises BadMerkleProof: unless the later tree begins with `earlier`"""
        if earlier.size != self.old or earlier.origin != self.checkpoint.origin:
            raise BadMerkleProof("the proof begins at another checkpoint")
        check_checkpoint_consistency(earlier, self.checkpoint, self.path)


def check_checkpoint_consistency(
    earlier: LogCheckpoint, later: LogCheckpoint, path: Sequence[bytes]
) -> None:
    """:raises BadMerkleProof: unless `path` proves that `later` begins with `earlier`'s tree"""
    if earlier.size:
        merkle_tree.verify_consistency(earlier.size, later.size, path, earlier.root, later.root)
    elif path or earlier.root != merkle_tree.EMPTY:
        # Every tree begins with the empty one, so a proof must be empty.
        raise BadMerkleProof("an empty tree has one root and no proof")


def write_consistency_proof(*, old: int, path: Sequence[bytes], note: str) -> str:
    """:param note: the signed checkpoint of the later tree"""
    hashes = [base64.b64encode(node).decode() for node in path]
    return "\n".join([f"old {old}", *hashes, "", note])


def parse_consistency_proof(text: str, keys: Sequence[VerifierKey]) -> ConsistencyProof:
    """
    :raises BadNote: if none of `keys` signed the checkpoint
    :raises BadMerkleProof: if the text is malformed
    """
    body, separator, note = text.partition("\n\n")
    lines = body.split("\n")
    old = _OLD.match(lines[0])
    if not separator or old is None or len(lines) - 1 > MAX_PROOF_LENGTH:
        raise BadMerkleProof("not a consistency proof")
    checkpoint = LogCheckpoint.parse(signed_notes.verify_note(note, keys))
    return ConsistencyProof(
        int(old[1]), tuple(signed_notes.decode_base64(line) for line in lines[1:]), checkpoint
    )


def split_consistency_proofs(text: str) -> list[str]:
    return [proof for proof in _NEXT.split(text) if proof.strip()]


__all__ = [
    "BadMerkleProof",
    "BadNote",
    "ConsistencyProof",
    "check_checkpoint_consistency",
    "parse_consistency_proof",
    "split_consistency_proofs",
    "write_consistency_proof",
]
