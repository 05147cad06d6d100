"""What a bundle of evidence must show, once its signature is checked. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from limited_use.ledger import signed_notes
from limited_use.ledger.signed_notes import Checkpoint, VerifierKey

from .receipt_checks import NotProven, plain

Bundle = Mapping[str, Any]


def bundle(said: Bundle, keys: Sequence[VerifierKey]) -> Iterator[str]:
    """
    Yield what the bundle holds: section by section, and every clause that it says is not met.

    That a section is true is not proved by its signature; that the service said so, then, is.
    """
    yield f"signature       good, by {said['signed_by']}"
    yield f"evidence        {said['id']}, made {said['made_at']}"
    yield f"software        code {said['software']['code']}, policy {said['software']['policy']}"
    yield _checkpoint(said["ledger"], keys)
    sections = said["sections"]
    if sorted(sections) != sorted(said["order"]):
        raise NotProven("its sections are not those that it lists")
    for one in (sections[key] for key in said["order"]):
        yield f"section         {plain(one['title'])}, resting on {plain(one['rests_on'])}"
    if (policy := sections.get("policy")) is not None:
        yield _policy(policy["content"])
    for one in said["not_met"]:
        yield f"NOT MET         {plain(one['clause'])}: {plain(one['why'])}"


def _checkpoint(ledger: Mapping[str, Any], keys: Sequence[VerifierKey]) -> str:
    origin, note = ledger["origin"], ledger["checkpoint"]
    if note is None:
        return f"checkpoint      none yet: {plain(origin)} has signed nothing"
    log = [key for key in keys if key.name == origin]
    if not log:
        raise NotProven(f"no key of the ledger {plain(origin)} was given")
    checkpoint = Checkpoint.parse(signed_notes.verify(note, log))
    if checkpoint.origin != origin:
        raise NotProven("its checkpoint is another ledger's")
    return f"checkpoint      {checkpoint.origin}, size {checkpoint.size}, signature good"


def _policy(content: Mapping[str, Any]) -> str:
    named = content["decision_space_sha256"]
    if hashlib.sha256(content["decision_space"].encode()).hexdigest() != named:
        raise NotProven("the decision space is not the one that it names")
    return f"policy          {len(content['rules'])} rules, every use there is: SHA-256 {named}"
