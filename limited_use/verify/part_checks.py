"""
Checks an owner's part of the ledger, and finds its entries in an export. Pure.

An export has one line of JSON per entry, `{"index": …, "payload": "…"}`, in the ledger's order.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from limited_use.ledger import entry_proofs, merkle_tree, pseudonym_derivation
from limited_use.ledger.signed_notes import LogCheckpoint, VerifierKey

from .receipt_checks import ReceiptNotProven, escape_terminal_text

OwnerPart = Mapping[str, Any]

KIND = "ledger-part"
_OWN_KINDS = frozenset({"connection", "integration"})


def parse_ledger_part(text: bytes) -> OwnerPart:
    """:raises ReceiptNotProven: if the file is no owner's part"""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or (document.get("kind"), document.get("v")) != (KIND, 1):
        raise ReceiptNotProven("the file is not an owner's part of a ledger, of version 1")
    return document


def check_ledger_part(document: OwnerPart, keys: Sequence[VerifierKey]) -> Iterator[str]:
    """Yield the proof of the file itself: the ledger holds the commitment to its key."""
    key = bytes.fromhex(document["key"])
    if (
        len(key) != pseudonym_derivation.KEY_BYTES
        or pseudonym_derivation.compute_ledger_key_commitment(key).hex() != document["commitment"]
    ):
        raise ReceiptNotProven("the key does not match the commitment")
    yield f"key             of the commitment {document['commitment']}"
    for subject in document["names"]:
        subject_id = UUID(subject["id"])
        names = (
            pseudonym_derivation.derive_pseudonym(key, subject_id).hex(),
            pseudonym_derivation.derive_removal_pseudonym(key, subject_id).hex(),
        )
        if names != (subject["name"], subject["name_at_the_end"]):
            raise ReceiptNotProven(
                f"the names of {subject['what']} {subject_id} are not made with this key"
            )
        described = f"{subject['what']} {escape_terminal_text(subject['says'])} {subject_id}"
        yield f"names           {described}: {', '.join(names)}"
    yield _check_commitment(document, key, keys)


def list_own_entries(
    document: OwnerPart, export: str, checkpoint: LogCheckpoint | None
) -> Iterator[str]:
    """
    Yield the export's entries about the part's subjects, oldest first.

    :param checkpoint: signed; the export must be the whole ledger up to its size
    :raises ReceiptNotProven: if the export is not, or cannot be read
    """
    labels = {
        subject[name]: f"{subject['what']} {escape_terminal_text(subject['says'])}".strip()
        for subject in document["names"]
        for name in ("name_of_the_service", "name_at_the_end", "name")
    }
    own_names = {
        name
        for subject in document["names"]
        if subject["what"] in _OWN_KINDS
        for name in _get_names(subject)
    }
    hashes: list[bytes] = []
    count = 0
    for line in export.splitlines():
        index, payload = _parse_line(line)
        hashes.append(merkle_tree.hash_leaf(payload))
        if checkpoint is not None and index != len(hashes) - 1:
            raise ReceiptNotProven(f"entry {len(hashes) - 1} is missing in the export")
        entry = _parse_entry(payload)
        if entry.get("subject") in own_names:
            count += 1
            yield f"entry {index!s:<9} {_format_entry(entry, labels)}"
    yield f"yours           {count} of {len(hashes)} entries"
    if checkpoint is not None:
        size = checkpoint.size
        if (
            len(hashes) < size
            or merkle_tree.build_merkle_range_root(hashes[:size])(0, size) != checkpoint.root
        ):
            raise ReceiptNotProven("the export is not the ledger of that checkpoint")
        yield f"complete        up to the checkpoint of {size}"


def _check_commitment(document: OwnerPart, key: bytes, keys: Sequence[VerifierKey]) -> str:
    origin = document["ledger"]["origin"]
    log_keys = [log_key for log_key in keys if log_key.name == origin]
    if not log_keys:
        raise ReceiptNotProven(f"no key of the ledger {origin} was given")
    removal_names = {
        pseudonym_derivation.derive_removal_pseudonym(key, UUID(subject["id"])).hex()
        for subject in document["names"]
    }
    for text in document["ledger"]["proofs"]:
        proven = entry_proofs.verify_entry_proof(text, log_keys, origin=origin)
        entry = json.loads(proven.payload)
        if (
            entry["event"] == "ledger_key.set_aside"
            and entry["body"]["commitment"] == document["commitment"]
            and entry["subject"] in removal_names
        ):
            return f"committed       in entry {proven.index} of {origin}, signature good"
    raise ReceiptNotProven("no ledger entry has the commitment")


def _parse_line(line: str) -> tuple[int, bytes]:
    try:
        parsed = json.loads(line)
        # A bool is an int to Python.
        if type(parsed["index"]) is int:
            return parsed["index"], str(parsed["payload"]).encode(errors="surrogateescape")
    except (ValueError, KeyError, TypeError):
        pass
    raise ReceiptNotProven("the export cannot be read")


def _parse_entry(payload: bytes) -> Mapping[str, Any]:
    """Return an empty entry for a payload that is none: it is nobody's."""
    try:
        entry = json.loads(payload)
    except (ValueError, RecursionError):
        return {}
    is_entry = isinstance(entry, dict) and isinstance(entry.get("subject"), str)
    return entry if is_entry else {}


def _get_names(subject: Mapping[str, str]) -> tuple[str, str, str]:
    return subject["name"], subject["name_at_the_end"], subject["name_of_the_service"]


def _format_entry(entry: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    at = datetime.fromtimestamp(entry["at"] / 1000, UTC).isoformat(timespec="seconds")
    words = [at, entry["event"], labels[entry["subject"]]]
    if "purpose" in entry:
        words.append(f"{entry['class']} for {entry['purpose']} to {entry['recipient']}")
        words.append(f"by {labels.get(entry['actor'], 'another person')}, rule {entry['rule']}")
        words += [f"{entry['count']} rows"] if entry.get("count") is not None else []
    return ", ".join(escape_terminal_text(word) for word in words)
