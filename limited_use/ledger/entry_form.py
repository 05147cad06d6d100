"""
The form of an entry, and the process classes that write each kind.

Every login that acts may insert rows, so the sequencer checks each row before it takes it into the
tree, and readers show a row that is no entry as `INVALID_EVENT`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias
from uuid import UUID

import orjson
from django.conf import settings

from limited_use.policy.policy_vocabulary import DataClass, Purpose, Recipient

from . import entries

# A binary column, as the database or Python gives it.
Stored: TypeAlias = "bytes | memoryview[int]"

INVALID_EVENT: Final = "entry.invalid"
# The start of 2100, in milliseconds: a later moment has no date in every time zone.
_LAST_MOMENT: Final = 4_102_444_800_000
_MAX_COUNT: Final = 10_000_000
_VOCABULARY: Final = {"class": DataClass, "purpose": Purpose, "recipient": Recipient}
_WORDS: Final = ("actor", "actor_kind", "code", "feature", "item", "on_behalf_of", "rule")
MEMBERS: Final = {
    *_VOCABULARY, *_WORDS, "at", "body", "count", "event", "id", "missing", "policy", "subject",
    "v",
}  # fmt: skip
# Exceptions that JSON of another form raises.
_OTHER_FORM: Final = (ValueError, TypeError, LookupError, AttributeError, RecursionError)
_ALL: Final = frozenset({"web", "staff", "sync", "purge"})
#: By event, or by the first word of events. Absent: only commands of the tables' owner.
_WRITERS: Final[Mapping[str, frozenset[str]]] = {
    "use": _ALL,
    "alarm": frozenset({"staff", "purge"}),
    "bulk_revocation": frozenset({"staff", "purge"}),
    "client": frozenset({"staff", "purge"}),
    "support": _ALL,
    "forbidden_uses": frozenset({"purge"}),
    "integration.emptied": frozenset({"purge"}),
    "key_epoch": frozenset({"purge"}),
    "purge": frozenset({"purge"}),
    "revocation": frozenset({"purge"}),
    "signing_key": frozenset({"purge"}),
    **dict.fromkeys(
        ("consent", "delegation", "ledger_key", "share"), frozenset({"web", "purge"})
    ),
    **dict.fromkeys(
        ("calendar", "connection", "copy", "grant", "integration", "key", "removal"),
        frozenset({"web", "sync", "purge"}),
    ),
}  # fmt: skip


def may_write(writer: str, event: str) -> bool:
    """:param writer: the login; one that is of no process class owns the tables"""
    classes = _WRITERS.get(event) or _WRITERS.get(event.partition(".")[0], frozenset())
    others = {*_ALL, "console"} - classes
    return writer not in {f"{settings.DATABASE_ROLE_PREFIX}_{one}" for one in others}


def find_fault(entry_id: UUID, payload: Stored, subject: Stored | None, writer: str) -> str:
    """Return `form`, `id` or `writer`; "" if the row is an entry."""
    entry = _parse_entry(bytes(payload))
    if entry is None:
        return "form"
    named = None if subject is None else bytes(subject).hex()
    if entry["id"] != str(entry_id) or entry.get("subject") != named:
        return "id"
    return "" if may_write(writer, entry["event"]) else "writer"


def read_entry(entry_id: UUID, payload: bytes, fault: str = "") -> dict[str, Any]:
    """Return the entry; for a row that is none, one of `INVALID_EVENT` at the moment of its id."""
    entry = None if fault else _parse_entry(payload)
    if entry is not None and entry["id"] == str(entry_id):
        return entry
    return {
        "event": INVALID_EVENT, "id": str(entry_id), "at": min(entry_id.int >> 80, _LAST_MOMENT),
    }  # fmt: skip


def _parse_entry(payload: bytes) -> dict[str, Any] | None:
    try:
        entry = orjson.loads(payload)
        if entries.encode_ledger_entry(entry) == payload and _has_form(entry):
            return dict(entry)
    except (*_OTHER_FORM, entries.LedgerEntryRefused):
        pass
    return None


def _has_form(entry: Mapping[str, Any]) -> bool:
    """:raises Exception: one of `_OTHER_FORM`, or `LedgerEntryRefused`, if it has another"""
    body, count, feature = entry.get("body", {}), entry.get("count"), entry.get("feature")
    for name, value in [*((word, entry.get(word)) for word in _WORDS), *body.items()]:
        entries.check_value(name, value)
    entries.check_value("missing", entry.get("missing", []))
    for name, words in _VOCABULARY.items():
        # A decision has all of them; an event has none.
        if entry["event"].startswith("use.") or name in entry:
            words(entry[name])
    return (
        entry.keys() <= MEMBERS
        and 3 <= len(entry["event"]) <= 64  # noqa: PLR2004 - the columns that count events
        and entries.EVENT.fullmatch(entry["event"]) is not None
        and (type(entry["v"]), entry["v"]) == (int, 1)
        and type(entry["at"]) is int
        and 0 <= entry["at"] <= _LAST_MOMENT
        and (count is None or (type(count) is int and 0 <= count <= _MAX_COUNT))
        and all(type(entry.get(word)) in {str, type(None)} for word in _WORDS)
        and (feature is None or len(feature) <= 64)  # noqa: PLR2004 - as above
        and (not entry["event"].startswith("use.") or 0 < len(entry["rule"]) <= 64)  # noqa: PLR2004
        and type(entry.get("missing", [])) is list
        and all(type(fact) is str for fact in entry.get("missing", []))
        and type(entry.get("policy", "")) in {str, int}
        and type(body.get("feature", "")) is str
        and type(body.get("channel", "")) is str
        and type(body.get("approved_by")) in {str, type(None)}
        and type(body.get("keys", [])) is list
    )
