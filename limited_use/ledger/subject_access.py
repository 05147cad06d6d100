"""
Somebody's own entries, found by the names that the ledger has for what is theirs.

Whoever asks says which names: `entries.pseudonym` of an id for what is not of a
connection, the connection's own naming for what is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from .entries import milliseconds

MOST = 1000
# The payload is canonical JSON: a word of ours stands in it in exactly one way.
_FIND = """
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
class OwnEntry:
    """One entry, as far as its owner is shown it. What it does not say is None."""

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
    # The ledger's name of who acted: 32 hexadecimal digits.
    actor: str | None
    # How many rows the request meant to open.
    count: int | None
    # `permitted` or `refused`; None of what is no use.
    outcome: str | None
    # Its index in the tree; None until the sequencer has given it one.
    place: int | None
    # Which of the names that were asked for, 16 bytes.
    subject: bytes


def entries_of(  # noqa: PLR0913
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
) -> list[OwnEntry]:
    """
    Return entries about `subjects`, the newest first.

    :param subjects: names of 16 bytes each; the caller knows that they are its person's
    :param since: the first moment that counts, `until`: the first that does not any more
    :param outcome: `permitted` or `refused`; another word finds nothing
    :param by_service: True: what the service did by itself; False: everything else
    :param after: the last entry of the page before
    :param limit: at most `MOST`
    """
    wanted = list(dict.fromkeys(subjects))
    if not wanted or (outcome is not None and outcome not in _EVENT):
        return []
    asked = {
        "subjects": wanted,
        "after": after,
        "purpose": _said("purpose", purpose),
        "feature": _said("feature", feature),
        "event": _said("event", _EVENT.get(outcome or "")),
        "by_service": by_service,
        "since": None if since is None else milliseconds(since),
        "until": None if until is None else milliseconds(until),
        "limit": max(0, min(limit, MOST)),
    }
    with connection.cursor() as cursor:
        cursor.execute(_FIND, asked)
        rows = cursor.fetchall()
    return [
        _own(entry_id, orjson.loads(bytes(payload)), idx, bytes(subject))
        for entry_id, payload, idx, subject in rows
    ]


def _said(key: str, word: str | None) -> bytes | None:
    return None if word is None else orjson.dumps({key: word})[1:-1]


def _own(entry_id: UUID, said: Mapping[str, Any], place: int | None, subject: bytes) -> OwnEntry:
    return OwnEntry(
        id=entry_id,
        at=datetime.fromtimestamp(said["at"] / 1000, UTC),
        event=said["event"],
        data_class=said.get("class"),
        purpose=said.get("purpose"),
        recipient=said.get("recipient"),
        rule=said.get("rule"),
        feature=said.get("feature") or said.get("body", {}).get("feature"),
        actor_kind=said.get("actor_kind"),
        actor=said.get("actor"),
        count=said.get("count"),
        outcome=_OUTCOME.get(said["event"]),
        place=place,
        subject=subject,
    )
