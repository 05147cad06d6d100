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

from django.db import connection

from . import entry_form
from .entry_filters import (
    EVERY_ENTRY,
    OUTCOME_EVENTS,
    SQL_CONDITIONS,
    EntryFilter,
    build_parameters,
)

MAX_ENTRIES = 1000
# Each name of a person is one backward scan of the index by subject, which ends at the limit. One
# scan for all names could be a scan of everybody's entries.
_QUERY = (
    """
SELECT entry.id, entry.payload, entry.fault, entry.idx, name.subject
  FROM unnest(%(subjects)s::bytea[]) AS name (subject)
 CROSS JOIN LATERAL (
       SELECT leaf.id, leaf.payload, leaf.fault, leaf.idx FROM limited_use_leaf AS leaf
        WHERE leaf.subject = name.subject
"""  # noqa: S608 - constants, values as parameters
    + SQL_CONDITIONS
    + """
        ORDER BY leaf.id DESC LIMIT %(limit)s) AS entry
 ORDER BY entry.id DESC LIMIT %(limit)s
"""
)
_OUTCOMES = {event: outcome for outcome, event in OUTCOME_EVENTS.items()}


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
    # The facts that were missing for a permit.
    missing: tuple[str, ...]
    # The pseudonym of the only item of the use: 32 hexadecimal digits.
    item: str | None
    # The number of rows that the request meant to open.
    count: int | None
    # `permitted` or `refused`; None for an entry that is no use.
    outcome: str | None
    # The index in the tree; None until the sequencer assigns it.
    place: int | None
    # The requested name (16 bytes) that the entry is about.
    subject: bytes


def find_subject_entries(
    subjects: Iterable[bytes],
    filters: EntryFilter = EVERY_ENTRY,
    *,
    after: UUID | None = None,
    limit: int = 50,
) -> list[SubjectLedgerEntry]:
    """
    Return entries, newest first.

    :param subjects: names of 16 bytes, which the caller knows to be its person's
    :param after: the last entry of the previous page
    :param limit: at most `MAX_ENTRIES`
    """
    unique_subjects = list(dict.fromkeys(subjects))
    if not unique_subjects or filters.outcome not in {None, *OUTCOME_EVENTS}:
        return []
    parameters = {
        **build_parameters(unique_subjects, filters, after=after),
        "limit": max(0, min(limit, MAX_ENTRIES)),
    }
    with connection.cursor() as cursor:
        cursor.execute(_QUERY, parameters)
        rows = cursor.fetchall()
    return [
        _parse_entry(
            entry_id, entry_form.read_entry(entry_id, bytes(payload), fault), idx, bytes(subject)
        )
        for entry_id, payload, fault, idx, subject in rows
    ]


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
        missing=tuple(payload.get("missing", ())),
        item=payload.get("item"),
        count=payload.get("count"),
        outcome=_OUTCOMES.get(payload["event"]),
        place=place,
        subject=subject,
    )
