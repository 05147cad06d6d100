"""
What an owner's part of the ledger shows, and which entries of an export are theirs. Pure.

An export is lines of JSON, `{"index": …, "payload": "…"}` each, in the ledger's order.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from limited_use.ledger import proofs, pseudonym_derivation, tree
from limited_use.ledger.signed_notes import Checkpoint, VerifierKey

from .receipt_checks import NotProven

Part = Mapping[str, Any]

KIND = "ledger-part"
_OWN = frozenset({"connection", "integration"})


def read(text: bytes) -> Part:
    """
    Return what the file says.

    :raises NotProven: if it is no such file
    """
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict) or (said.get("kind"), said.get("v")) != (KIND, 1):
        raise NotProven("it is no owner's part of a ledger, of version 1")
    return said


def part(said: Part, keys: Sequence[VerifierKey]) -> Iterator[str]:
    """Yield what the file proves by itself: that the ledger has its key's commitment."""
    key = bytes.fromhex(said["key"])
    if (
        len(key) != pseudonym_derivation.KEY_BYTES
        or pseudonym_derivation.commitment(key).hex() != said["commitment"]
    ):
        raise NotProven("its key is not the one of its commitment")
    yield f"key             of the commitment {said['commitment']}"
    for one in said["names"]:
        own = UUID(one["id"])
        names = (
            pseudonym_derivation.name(key, own).hex(),
            pseudonym_derivation.name_at_the_end(key, own).hex(),
        )
        if names != (one["name"], one["name_at_the_end"]):
            raise NotProven(f"the names of {one['what']} {own} are not made with its key")
        yield f"names           {one['what']} {_word(one['says'])} {own}: {', '.join(names)}"
    yield _committed(said, key, keys)


def theirs(said: Part, export: str, checkpoint: Checkpoint | None) -> Iterator[str]:
    """
    Yield the entries of the export that are about what the part is of, the oldest first.

    :param checkpoint: signed: then the export must be the whole ledger up to there
    :raises NotProven: if it is not, or if it cannot be read
    """
    who = {
        one[name]: f"{one['what']} {_word(one['says'])}".strip()
        for one in said["names"]
        for name in ("name_of_the_service", "name_at_the_end", "name")
    }
    own = {name for one in said["names"] if one["what"] in _OWN for name in _all(one)}
    hashes: list[bytes] = []
    count = 0
    for line in export.splitlines():
        index, payload = _line(line)
        hashes.append(tree.leaf_hash(payload))
        if checkpoint is not None and index != len(hashes) - 1:
            raise NotProven(f"entry {len(hashes) - 1} is missing in the export")
        entry = json.loads(payload)
        if entry.get("subject") in own:
            count += 1
            yield f"entry {index!s:<9} {_entry(entry, who)}"
    yield f"yours           {count} of {len(hashes)} entries"
    if checkpoint is not None:
        size = checkpoint.size
        if len(hashes) < size or tree.over(hashes[:size])(0, size) != checkpoint.root:
            raise NotProven("the export is not the ledger of that checkpoint")
        yield f"complete        up to the checkpoint of {size}"


def _committed(said: Part, key: bytes, keys: Sequence[VerifierKey]) -> str:
    origin = said["ledger"]["origin"]
    log = [one for one in keys if one.name == origin]
    if not log:
        raise NotProven(f"no key of the ledger {origin} was given")
    ends = {
        pseudonym_derivation.name_at_the_end(key, UUID(one["id"])).hex() for one in said["names"]
    }
    for text in said["ledger"]["proofs"]:
        proven = proofs.verify(text, log, origin=origin)
        entry = json.loads(proven.payload)
        if (
            entry["event"] == "ledger_key.set_aside"
            and entry["body"]["commitment"] == said["commitment"]
            and entry["subject"] in ends
        ):
            return f"committed       in entry {proven.index} of {origin}, signature good"
    raise NotProven("no ledger entry has its commitment")


def _line(line: str) -> tuple[int, bytes]:
    try:
        read = json.loads(line)
        return int(read["index"]), str(read["payload"]).encode()
    except (ValueError, KeyError, TypeError):
        pass
    raise NotProven("the export cannot be read")


def _all(one: Mapping[str, str]) -> tuple[str, str, str]:
    return one["name"], one["name_at_the_end"], one["name_of_the_service"]


def _entry(entry: Mapping[str, Any], who: Mapping[str, str]) -> str:
    at = datetime.fromtimestamp(entry["at"] / 1000, UTC).isoformat(timespec="seconds")
    said = [at, entry["event"], who[entry["subject"]]]
    if "purpose" in entry:
        said.append(f"{entry['class']} for {entry['purpose']} to {entry['recipient']}")
        said.append(f"by {who.get(entry['actor'], 'somebody else')}, rule {entry['rule']}")
        said += [f"{entry['count']} rows"] if entry.get("count") is not None else []
    return ", ".join(_word(one) for one in said)


def _word(value: object) -> str:
    # From a file that somebody else may have written, yet printed to somebody's terminal.
    return "".join(c if c.isprintable() else "?" for c in str(value))
