"""
C2SP tlog-proofs: an entry, its path and the signed checkpoint in one text. Pure.

https://c2sp.org/tlog-proof
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from . import merkle_tree, signed_notes
from .merkle_tree import BadMerkleProof
from .signed_notes import BadNote, LogCheckpoint, VerifierKey

HEADER = "c2sp.org/tlog-proof@v1"
# A path of this length covers more leaves than a log can have.
MAX_PATH_LENGTH = 63
MAX_INDEX_DIGITS = 19


@dataclass(frozen=True, slots=True)
class ProvenLedgerEntry:
    """`payload` is entry `index` in the tree of `checkpoint`."""

    payload: bytes
    index: int
    checkpoint: LogCheckpoint


def write_entry_proof(
    *, payload: bytes | None, index: int, path: Sequence[bytes], note: str
) -> str:
    """
    :param payload: the entry; a verifier trusts it only because its hash fits
    :param note: the signed checkpoint
    """
    extra = [] if payload is None else [f"extra {base64.b64encode(payload).decode()}"]
    hashes = [base64.b64encode(node).decode() for node in path]
    return "\n".join([HEADER, *extra, f"index {index}", *hashes, "", note])


def verify_entry_proof(
    text: str,
    keys: Sequence[VerifierKey],
    *,
    payload: bytes | None = None,
    origin: str | None = None,
) -> ProvenLedgerEntry:
    """
    :param keys: keys of the log, pinned by the verifier; never taken from the proof
    :param payload: the entry, if the proof does not carry it
    :param origin: the required log

    :raises BadNote, BadMerkleProof:
    """
    body, separator, note = text.partition("\n\n")
    lines = body.split("\n")
    if not separator or lines.pop(0) != HEADER or not lines:
        raise BadMerkleProof("not a tlog-proof")
    if lines[0].startswith("extra "):
        carried = signed_notes.decode_base64(lines.pop(0).removeprefix("extra "))
        if payload is not None and payload != carried:
            raise BadMerkleProof("the proof is of another entry")
        payload = carried
    index = _parse_index(lines.pop(0) if lines else "")
    if payload is None or len(lines) > MAX_PATH_LENGTH:
        raise BadMerkleProof("not a tlog-proof of an entry")
    checkpoint = LogCheckpoint.parse(signed_notes.verify_note(note, keys))
    if origin is not None and checkpoint.origin != origin:
        raise BadMerkleProof("the checkpoint is of another log")
    path = [signed_notes.decode_base64(line) for line in lines]
    merkle_tree.verify_inclusion(
        merkle_tree.hash_leaf(payload), index, checkpoint.size, path, checkpoint.root
    )
    return ProvenLedgerEntry(payload, index, checkpoint)


def _parse_index(line: str) -> int:
    number = line.removeprefix("index ")
    if not line.startswith("index ") or not number.isascii() or not number.isdigit():
        raise BadMerkleProof("the proof names no index")
    if len(number) > MAX_INDEX_DIGITS or number != str(int(number)):
        raise BadMerkleProof("the proof names no index")
    return int(number)


__all__ = [
    "BadMerkleProof",
    "BadNote",
    "ProvenLedgerEntry",
    "verify_entry_proof",
    "write_entry_proof",
]
