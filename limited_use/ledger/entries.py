"""
Appends entries to the ledger; the sequencer gives them their index later.

An entry holds our own words, counts and keyed pseudonyms: no content, address or database id.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from uuid import UUID

import orjson
from django.db import connection

from accounts.ids import uuid7
from limited_use.vault.keyring.keyring_factory import get_keyring
from limited_use.vault.keyring.keyring_port import Keyring, MacKey

EntryValue = str | int | bool | None | Sequence[str] | Mapping[str, int]

# Our own words: enum values, rule ids, pseudonyms. Hardly any text of a person or a provider
# matches.
_WORD = re.compile(r"[A-Za-z0-9_.:+=/-]{0,80}\Z")
_RAW_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
EVENT = re.compile(r"[a-z_]+\.[a-z_]+")


class LedgerEntryRefused(Exception):
    """The body holds a forbidden value: a bug of the caller."""


def get_ledger_pseudonym(subject: UUID) -> str:
    """Return the service's pseudonym: 32 hexadecimal digits, keyed and stable."""
    return _compute_pseudonym(get_keyring(), subject)


# A request names the same few subjects repeatedly.
@lru_cache(maxsize=4096)
def _compute_pseudonym(keyring: Keyring, subject: UUID) -> str:
    return keyring.compute_mac(MacKey.PSEUDONYM, b"ledger/1\0" + subject.bytes)[:16].hex()


def encode_ledger_entry(entry: Mapping[str, EntryValue]) -> bytes:
    """Return canonical JSON: sorted keys, no spaces, UTF-8, integers only."""
    return orjson.dumps(entry, option=orjson.OPT_SORT_KEYS)


def append_ledger_entries(entries: Sequence[tuple[UUID, Mapping[str, EntryValue]]]) -> None:
    """
    Write entries in one statement, in the caller's transaction or its own.

    :param entries: id and body of each; `id` and `v` are added
    """
    # Rows of parameters: for the few entries of a request, half the work of arrays.
    rows = ", ".join(["(%s, %s, %s)"] * len(entries))
    values: list[UUID | bytes | None] = []
    for entry_id, body in entries:
        subject = body.get("subject")
        values += (
            entry_id,
            encode_ledger_entry({**body, "id": str(entry_id), "v": 1}),
            bytes.fromhex(subject) if isinstance(subject, str) else None,
        )
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO limited_use_leaf (id, payload, subject) VALUES {rows}",  # noqa: S608 - placeholders only
            values,
        )


def append_ledger_entry(body: Mapping[str, EntryValue]) -> UUID:
    entry_id = uuid7()
    append_ledger_entries([(entry_id, body)])
    return entry_id


def record_ledger_event(  # noqa: PLR0913 - what happened, to what, and by whom
    *,
    event: str,
    about: UUID,
    body: Mapping[str, EntryValue] | None = None,
    at: datetime,
    naming: Callable[[UUID], str] = get_ledger_pseudonym,
    by: UUID | None = None,
) -> UUID:
    """
    Record a lifecycle event in the caller's transaction; return the entry's id.

    :param event: `noun.past_participle`
    :param about: id of the subject (an integration, a connection, …)
    :param naming: `pseudonyms.get_pseudonym_naming` for a connection with a ledger key
    :param body: counts, booleans, our own words and pseudonyms
    :param by: the person who caused it, if it is another person than the owner
    :raises LedgerEntryRefused:
    """
    body = body or {}
    for key, value in body.items():
        check_value(key, value)
    return append_ledger_entry(
        {
            "event": event,
            "at": to_milliseconds(at),
            "subject": naming(about),
            "code": get_code_revision(),
            **({"actor_kind": "person", "actor": naming(by)} if by else {}),
            **({"body": body} if body else {}),  # type: ignore[dict-item]
        }
    )


def to_milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


@lru_cache(maxsize=1)
def get_code_revision() -> str:
    """Return a hash of this package's source: the code that decided."""
    package = Path(__file__).parent.parent
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def check_value(key: str, value: object) -> None:
    if isinstance(value, Mapping):
        for inner, count in value.items():
            check_value(key, inner)
            if not isinstance(count, int):
                raise LedgerEntryRefused(key)
    elif isinstance(value, list | tuple):
        for item in value:
            check_value(key, item)
    elif isinstance(value, str):
        if not _WORD.match(value) or _RAW_ID.search(value):
            raise LedgerEntryRefused(key)
    elif value is not None and not isinstance(value, int):
        raise LedgerEntryRefused(key)
