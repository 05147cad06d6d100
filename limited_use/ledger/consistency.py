"""
Consistency proofs as text: that a later tree begins with an earlier one. Pure.

The form is that in which a log asks a witness to cosign: `old` and the earlier
size, one hash a line, an empty line, the later checkpoint with its signatures.

https://c2sp.org/tlog-witness, RFC 9162 §2.1.4
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass

from . import signed_notes, tree
from .signed_notes import BadNote, Checkpoint, VerifierKey
from .tree import BadProof

# The specification's limit: more could not be needed below 2^63 leaves.
LONGEST_PROOF = 63
_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})\Z")
# Where one proof ends and the next begins, in a file of several.
_NEXT = re.compile(r"^(?=old [0-9]+$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Consistency:
    """A proof as it was read, its checkpoint's signature checked and nothing else."""

    old: int
    path: tuple[bytes, ...]
    checkpoint: Checkpoint

    def check(self, earlier: Checkpoint) -> None:
        """
        Check that the later tree begins with `earlier`.

        :raises BadProof: if that is not shown
        """
        if earlier.size != self.old or earlier.origin != self.checkpoint.origin:
            raise BadProof("the proof begins at another checkpoint")
        check(earlier, self.checkpoint, self.path)


def check(earlier: Checkpoint, later: Checkpoint, path: Sequence[bytes]) -> None:
    """:raises BadProof: unless `path` shows that the tree of `later` begins with `earlier`'s"""
    if earlier.size:
        tree.verify_consistency(earlier.size, later.size, path, earlier.root, later.root)
    elif path or earlier.root != tree.EMPTY:
        # Every tree begins with the empty one; there is nothing to show.
        raise BadProof("an empty tree has one root and no proof")


def write(*, old: int, path: Sequence[bytes], note: str) -> str:
    """
    Return the proof as text.

    :param note: the signed checkpoint of the later tree
    """
    hashes = [base64.b64encode(one).decode() for one in path]
    return "\n".join([f"old {old}", *hashes, "", note])


def parse(text: str, keys: Sequence[VerifierKey]) -> Consistency:
    """
    Return one proof, whose checkpoint one of `keys` signed.

    :raises BadNote: if none did
    :raises BadProof: if it is not such a text
    """
    body, separator, note = text.partition("\n\n")
    lines = body.split("\n")
    old = _OLD.match(lines[0])
    if not separator or old is None or len(lines) - 1 > LONGEST_PROOF:
        raise BadProof("not a consistency proof")
    checkpoint = Checkpoint.parse(signed_notes.verify(note, keys))
    return Consistency(
        int(old[1]), tuple(signed_notes.decode64(line) for line in lines[1:]), checkpoint
    )


def split(text: str) -> list[str]:
    """Return the proofs of a file of several, one after another."""
    return [one for one in _NEXT.split(text) if one.strip()]


__all__ = ["BadNote", "BadProof", "Consistency", "check", "parse", "split", "write"]
