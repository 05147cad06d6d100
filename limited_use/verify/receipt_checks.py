from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from limited_use.ledger import entry_proofs
from limited_use.ledger.entry_proofs import ProvenLedgerEntry
from limited_use.ledger.signed_notes import VerifierKey

ReceiptDocument = Mapping[str, Any]
LedgerEntry = tuple[ProvenLedgerEntry, Mapping[str, Any]]


class ReceiptNotProven(Exception):
    """A required proof is missing or wrong."""


def check_first_part(receipt: ReceiptDocument, keys: Sequence[VerifierKey]) -> Iterator[str]:
    body = receipt["body"]
    yield f"signature       good, by {receipt['signed_by']}"
    yield f"receipt         {receipt['id']}, issued {receipt['issued_at']}"
    yield f"why             {body['trigger']}"
    yield f"from, to        {body['started_at']}, {body['emptied_at']}"
    for name, counts in sorted(body["stores"].items()):
        if counts["left"] != 0:
            raise ReceiptNotProven(f"{name}: {counts['left']} left")
        yield f"emptied         {name}: {counts['before']} before, 0 left"
    entries = _verify_entries(receipt, keys)
    yield from _list_entries(entries)
    _check_subject(receipt, entries)
    recorded = {
        entry["body"]["key_id"] for _, entry in entries if entry["event"] == "key.destroyed"
    }
    for key in body["keys_destroyed"]:
        if key["key_id"] not in recorded:
            raise ReceiptNotProven(f"no ledger entry says that key {key['key_id']} was destroyed")
        yield f"key destroyed   {key['key_id']}, {key['at']}"
    yield from _list_features(body)
    yield _format_checkpoint(entries)
    yield f"provider        {_format_value(body['provider_revocation'])}"
    yield from _list_remains(body)


def check_second_part(receipt: ReceiptDocument, keys: Sequence[VerifierKey]) -> Iterator[str]:
    body = receipt["body"]
    yield f"signature       good, by {receipt['signed_by']}"
    yield f"receipt, part 2 {receipt['id']}, issued {receipt['issued_at']}"
    yield f"belongs to      {receipt['part_1']['id']}"
    entries = _verify_entries(receipt, keys)
    yield from _list_entries(entries)
    _check_subject(receipt, entries)
    events = [(entry["event"], entry.get("body", {})) for _, entry in entries]
    if not body["keys"]:
        raise ReceiptNotProven("part 2 names no key")
    for key in body["keys"]:
        line, key_id, epoch = key["line"], key["key_id"], key["key_epoch"]
        wrapped = {"line": line, "key_id": key_id, "kek_epoch": epoch}
        if ("key.destroyed", wrapped) not in events:
            raise ReceiptNotProven(
                f"no ledger entry says that key {key_id} was under {line} {epoch}"
            )
        if ("key_epoch.destroyed", {"line": line, "epoch": epoch}) not in events:
            raise ReceiptNotProven(
                f"no ledger entry says that key epoch {line} {epoch} was destroyed"
            )
        yield f"key             {key_id}, wrapped under {line} epoch {epoch}"
        yield f"epoch destroyed {line} {epoch}, {key['epoch_destroyed_at']}"
    yield _format_checkpoint(entries)
    yield from _list_remains(body)


def _verify_entries(receipt: ReceiptDocument, keys: Sequence[VerifierKey]) -> list[LedgerEntry]:
    origin = receipt["ledger"]["origin"]
    entries = [_verify_entry(text, keys, origin) for text in receipt["ledger"]["proofs"]]
    if not entries:
        raise ReceiptNotProven("the receipt contains no ledger entry")
    return entries


def _list_entries(entries: Sequence[LedgerEntry]) -> Iterator[str]:
    for proven, entry in entries:
        at = datetime.fromtimestamp(entry["at"] / 1000, UTC).isoformat(timespec="seconds")
        yield f"ledger          entry {proven.index}: {entry['event']}, {at}"


def _check_subject(receipt: ReceiptDocument, entries: Sequence[LedgerEntry]) -> None:
    if receipt["subject"] not in {entry["subject"] for _, entry in entries}:
        raise ReceiptNotProven("none of the ledger entries is about the subject of the receipt")


def _format_checkpoint(entries: Sequence[LedgerEntry]) -> str:
    newest = max(
        (proven.checkpoint for proven, _ in entries), key=lambda checkpoint: checkpoint.size
    )
    return f"checkpoint      {newest.origin}, size {newest.size}, signature good"


def _list_features(body: Mapping[str, Any]) -> Iterator[str]:
    # Receipts of earlier versions do not have the member.
    for copies in body.get("features", ()):
        confirmed = copies["acknowledged_at"]
        text = (
            f"{copies['feature']}: last received {copies['last_read_at']}, told"
            f" {copies['issued_at']}, deletion of copies"
            f" {'not confirmed' if confirmed is None else f'confirmed {confirmed}'}"
        )
        yield f"feature         {escape_terminal_text(text)}"


def _list_remains(body: Mapping[str, Any]) -> Iterator[str]:
    for kind, details in sorted(body["remains"].items()):
        yield f"remains         {kind}: {_format_value(details)}"


def _verify_entry(
    text: str, keys: Sequence[VerifierKey], origin: str
) -> tuple[ProvenLedgerEntry, Mapping[str, Any]]:
    log_keys = [key for key in keys if key.name == origin]
    if not log_keys:
        raise ReceiptNotProven(f"no key of the ledger {origin} was given")
    proven = entry_proofs.verify_entry_proof(text, log_keys, origin=origin)
    return proven, json.loads(proven.payload)


def _format_value(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_format_value(inner)}" for key, inner in sorted(value.items()))
    if isinstance(value, list):
        return "; ".join(_format_value(inner) for inner in value)
    return escape_terminal_text(value)


def escape_terminal_text(value: object) -> str:
    """Return printable text, which cannot send commands to a terminal."""
    return "".join(c if c.isprintable() else "?" for c in str(value))
