"""Checks an evidence bundle, after its signature. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from limited_use.ledger import signed_notes
from limited_use.ledger.signed_notes import LogCheckpoint, VerifierKey

from .receipt_checks import ReceiptNotProven, escape_terminal_text

BundleDocument = Mapping[str, Any]


def check_evidence_bundle(document: BundleDocument, keys: Sequence[VerifierKey]) -> Iterator[str]:
    """
    Yield the bundle's sections, and every clause reported as not met.

    The signature proves only that the service stated a section then.
    """
    yield f"signature       good, by {document['signed_by']}"
    yield f"evidence        {document['id']}, made {document['made_at']}"
    software = document["software"]
    yield f"software        code {software['code']}, policy {software['policy']}"
    yield _check_checkpoint(document["ledger"], keys)
    sections = document["sections"]
    if sorted(sections) != sorted(document["order"]):
        raise ReceiptNotProven("its sections are not those that it lists")
    for section in (sections[key] for key in document["order"]):
        title, basis = (
            escape_terminal_text(section["title"]),
            escape_terminal_text(section["rests_on"]),
        )
        yield f"section         {title}, resting on {basis}"
    if (policy := sections.get("policy")) is not None:
        yield _check_policy(policy["content"])
    for unmet in document["not_met"]:
        clause, reason = escape_terminal_text(unmet["clause"]), escape_terminal_text(unmet["why"])
        yield f"NOT MET         {clause}: {reason}"


def _check_checkpoint(ledger: Mapping[str, Any], keys: Sequence[VerifierKey]) -> str:
    origin, note = ledger["origin"], ledger["checkpoint"]
    if note is None:
        return f"checkpoint      none yet: {escape_terminal_text(origin)} has signed nothing"
    log_keys = [key for key in keys if key.name == origin]
    if not log_keys:
        raise ReceiptNotProven(f"no key of the ledger {escape_terminal_text(origin)} was given")
    checkpoint = LogCheckpoint.parse(signed_notes.verify_note(note, log_keys))
    if checkpoint.origin != origin:
        raise ReceiptNotProven("its checkpoint is another ledger's")
    return f"checkpoint      {checkpoint.origin}, size {checkpoint.size}, signature good"


def _check_policy(content: Mapping[str, Any]) -> str:
    stated_digest = content["decision_space_sha256"]
    if hashlib.sha256(content["decision_space"].encode()).hexdigest() != stated_digest:
        raise ReceiptNotProven("the decision space is not the one that it names")
    count = len(content["rules"])
    return f"policy          {count} rules, every use there is: SHA-256 {stated_digest}"
