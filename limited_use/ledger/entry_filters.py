"""Conditions on the ledger entries of one person, as parameters of SQL statements."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import orjson

from .entries import to_milliseconds

# An entry is written soon after its moment: its id, which begins with the time of writing, bounds
# the search. The first is for clocks that differ, the second for work that takes long.
_CLOCK_DIFFERENCE: Final = timedelta(hours=1)
_LONGEST_DELAY: Final = timedelta(days=1)
_LAST_ID: Final = UUID(int=(1 << 128) - 1)

OUTCOME_EVENTS: Final = {"permitted": "use.permitted", "refused": "use.refused"}


class EntryActor(StrEnum):
    """Who acted, as far as an entry says."""

    OWNER = "owner"
    OTHER_PERSON = "other_person"
    # A service client of a platform feature.
    FEATURE = "feature"
    # Antares by itself.
    SERVICE = "service"
    # An event without an actor, such as a consent: no use of data.
    NONE = "none"


_ACTOR_KINDS: Final = {
    EntryActor.OWNER: "person",
    EntryActor.OTHER_PERSON: "person",
    EntryActor.FEATURE: "client",
    EntryActor.SERVICE: "system",
}

# A row need not be an entry, so no cast may fail: `encode` takes any bytes, and a row without a
# moment has that of its id. The members before `at` are words, which contain no quotation mark.
SQL_MOMENT: Final = """COALESCE(
    substring(encode(leaf.payload, 'escape') from '"at":([0-9]{1,13})[,}]')::bigint,
    ('x' || left(replace(leaf.id::text, '-', ''), 12))::bit(48)::bigint)"""
# The payload is canonical JSON, so one of our words occurs in exactly one form. CASE, because the
# planner then expects half of the rows to match: it reads the index in order up to the limit, and
# never collects and sorts all entries of the person.
SQL_CONDITIONS: Final = f"""
   AND leaf.id >= %(first_id)s AND leaf.id < %(end_id)s
   AND CASE WHEN
       (%(purpose)s::bytea IS NULL OR position(%(purpose)s::bytea in payload) > 0)
   AND (%(feature)s::bytea IS NULL OR position(%(feature)s::bytea in payload) > 0)
   AND (%(event)s::bytea IS NULL OR position(%(event)s::bytea in payload) > 0)
   AND (%(actor_kind)s::bytea IS NULL OR position(%(actor_kind)s::bytea in payload) > 0)
   AND (NOT %(without_actor)s OR position('"actor_kind":'::bytea in payload) = 0)
   AND (%(by_owner)s::boolean IS NULL OR %(by_owner)s::boolean
        = (substring(encode(payload, 'escape') from '"actor":"([^"]*)"')
           = ANY(%(owner_actors)s::text[])))
   AND (%(since)s::bigint IS NULL OR {SQL_MOMENT} >= %(since)s::bigint)
   AND (%(until)s::bigint IS NULL OR {SQL_MOMENT} < %(until)s::bigint)
       THEN true ELSE false END
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryFilter:
    """
    :param since: the first included moment; `until` is the first excluded one
    :param outcome: `permitted` or `refused`
    :param owner_actors: the owner's pseudonyms as an actor: 32 hexadecimal digits each
    """

    since: datetime | None = None
    until: datetime | None = None
    purpose: str | None = None
    feature: str | None = None
    outcome: str | None = None
    actor: EntryActor | None = None
    owner_actors: frozenset[str] = frozenset()


#: Keeps every entry.
EVERY_ENTRY: Final = EntryFilter()


def get_entry_actor(actor_kind: str | None, *, is_owner: bool) -> EntryActor:
    """:param is_owner: whether the entry's actor is the owner"""
    if actor_kind == "person":
        return EntryActor.OWNER if is_owner else EntryActor.OTHER_PERSON
    return {"client": EntryActor.FEATURE, "system": EntryActor.SERVICE}.get(
        actor_kind or "", EntryActor.NONE
    )


def build_parameters(
    subjects: list[bytes], filters: EntryFilter, *, after: UUID | None = None
) -> dict[str, Any]:
    """
    Return the parameters of `SQL_CONDITIONS`, and `subjects`.

    :param after: the newest entries before this one
    """
    first_id, end_id = get_id_range(filters.since, filters.until)
    by_owner = {EntryActor.OWNER: True, EntryActor.OTHER_PERSON: False}
    return {
        "subjects": subjects,
        "first_id": first_id,
        "end_id": end_id if after is None else min(after, end_id),
        "purpose": _encode_member("purpose", filters.purpose),
        "feature": _encode_member("feature", filters.feature),
        "event": _encode_member("event", OUTCOME_EVENTS.get(filters.outcome or "")),
        "actor_kind": _encode_member(
            "actor_kind", _ACTOR_KINDS.get(filters.actor) if filters.actor else None
        ),
        "without_actor": filters.actor is EntryActor.NONE,
        "by_owner": by_owner.get(filters.actor) if filters.actor else None,
        "owner_actors": sorted(filters.owner_actors),
        "since": None if filters.since is None else to_milliseconds(filters.since),
        "until": None if filters.until is None else to_milliseconds(filters.until),
    }


def get_id_range(since: datetime | None, until: datetime | None) -> tuple[UUID, UUID]:
    """Return the first possible id of an entry in a period, and the first impossible one."""
    first = 0 if since is None else to_milliseconds(since) - _to_milliseconds(_CLOCK_DIFFERENCE)
    first_id = UUID(int=max(first, 0) << 80)
    if until is None:
        return first_id, _LAST_ID
    return first_id, UUID(int=(to_milliseconds(until) + _to_milliseconds(_LONGEST_DELAY)) << 80)


def _to_milliseconds(duration: timedelta) -> int:
    return int(duration / timedelta(milliseconds=1))


def _encode_member(key: str, word: str | None) -> bytes | None:
    return None if word is None else orjson.dumps({key: word})[1:-1]
