"""
The ledger entries about one person, found by pseudonyms.

Ids without a connection use `entries.get_ledger_pseudonym`, others the naming of their connection.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from .entries import to_milliseconds

MAX_ENTRIES = 1000
# The payload is canonical JSON, so one of our words occurs in exactly one form.
_QUERY = """
SELECT id, payload, idx, subject FROM limited_use_leaf
 WHERE subject = ANY(%(subjects)s)
   AND id < COALESCE(%(after)s::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)
   AND (%(purpose)s::bytea IS NULL OR position(%(purpose)s::bytea in payload) > 0)
   AND (%(feature)s::bytea IS NULL OR position(%(feature)s::bytea in payload) > 0)
   AND (%(event)s::bytea IS NULL OR position(%(event)s::bytea in payload) > 0)
   AND (%(by_service)s::boolean IS NULL
        OR (position('"actor_kind":"system"'::bytea in payload) > 0) = %(by_service)s::boolean)
   AND (%(since)s::bigint IS NULL
        OR (convert_from(payload, 'UTF8')::jsonb ->> 'at')::bigint >= %(since)s::bigint)
   AND (%(until)s::bigint IS NULL
        OR (convert_from(payload, 'UTF8')::jsonb ->> 'at')::bigint < %(until)s::bigint)
 ORDER BY id DESC LIMIT %(limit)s
"""
_EVENT = {"permitted": "use.permitted", "refused": "use.refused"}
_OUTCOME = {event: outcome for outcome, event in _EVENT.items()}


@dataclass(frozen=True, slots=True)
class SubjectLedgerEntry:
    id: UUID
    at: datetime
    event: str
    data_class: str | None
    purpose: str | None
    recipient: str | None
    rule: str | None
    feature: str | None
    # Person, client or system.
    actor_kind: str | None
    # The actor's pseudonym: 32 hexadecimal digits.
    actor: str | None
    # The number of rows that the request meant to open.
    count: int | None
    # `permitted` or `refused`; None for an entry that is no use.
    outcome: str | None
    # The index in the tree; None until the sequencer assigns it.
    place: int | None
    # The requested name (16 bytes) that the entry is about.
    subject: bytes


def find_subject_entries(  # noqa: PLR0913
    subjects: Iterable[bytes],
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    purpose: str | None = None,
    feature: str | None = None,
    outcome: str | None = None,
    by_service: bool | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> list[SubjectLedgerEntry]:
    """
    Return entries, newest first.

    :param subjects: names of 16 bytes, which the caller knows to be its person's
    :param since: the first included moment; `until` is the first excluded one
    :param outcome: `permitted` or `refused`
    :param by_service: True: actions of the service itself; False: all others
    :param after: the last entry of the previous page
    :param limit: at most `MAX_ENTRIES`
    """
    unique_subjects = list(dict.fromkeys(subjects))
    if not unique_subjects or (outcome is not None and outcome not in _EVENT):
        return []
    parameters = {
        "subjects": unique_subjects,
        "after": after,
        "purpose": _encode_member("purpose", purpose),
        "feature": _encode_member("feature", feature),
        "event": _encode_member("event", _EVENT.get(outcome or "")),
        "by_service": by_service,
        "since": None if since is None else to_milliseconds(since),
        "until": None if until is None else to_milliseconds(until),
        "limit": max(0, min(limit, MAX_ENTRIES)),
    }
    with connection.cursor() as cursor:
        cursor.execute(_QUERY, parameters)
        rows = cursor.fetchall()
    return [
        _parse_entry(entry_id, orjson.loads(bytes(payload)), idx, bytes(subject))
        for entry_id, payload, idx, subject in rows
    ]


def _encode_member(key: str, word: str | None) -> bytes | None:
    return None if word is None else orjson.dumps({key: word})[1:-1]


def _parse_entry(
    entry_id: UUID, payload: Mapping[str, Any], place: int | None, subject: bytes
) -> SubjectLedgerEntry:
    return SubjectLedgerEntry(
        id=entry_id,
        at=datetime.fromtimestamp(payload["at"] / 1000, UTC),
        event=payload["event"],
        data_class=payload.get("class"),
        purpose=payload.get("purpose"),
        recipient=payload.get("recipient"),
        rule=payload.get("rule"),
        feature=payload.get("feature") or payload.get("body", {}).get("feature"),
        actor_kind=payload.get("actor_kind"),
        actor=payload.get("actor"),
        count=payload.get("count"),
        outcome=_OUTCOME.get(payload["event"]),
        place=place,
        subject=subject,
    )
