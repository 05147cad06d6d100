"""The ledger entries about one person, counted by day and kind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from .entries import to_milliseconds
from .entry_filters import (
    OUTCOME_EVENTS,
    SQL_CONDITIONS,
    SQL_MOMENT,
    EntryActor,
    EntryFilter,
    build_parameters,
    get_entry_actor,
    get_id_range,
)
from .entry_form import INVALID_EVENT

_COUNT = """
SELECT count(*) FROM (
    SELECT FROM limited_use_leaf
     WHERE subject = ANY(%(subjects)s) AND id >= %(first_id)s AND id < %(end_id)s
     LIMIT %(limit)s) AS own
"""
# One request writes an entry for each data class, about the same rows, and for each account. So
# rows are added up over accounts, and the largest number of a data class is taken.
_QUERY = (
    """
WITH own AS MATERIALIZED (
    SELECT leaf.id,"""  # noqa: S608 - constants, values as parameters
    + SQL_MOMENT
    + """ AS at,
           CASE WHEN leaf.fault = '' AND pg_input_is_valid(encode(leaf.payload, 'escape'), 'jsonb')
                THEN encode(leaf.payload, 'escape')::jsonb END AS entry
      FROM limited_use_leaf AS leaf
     WHERE leaf.subject = ANY(%(subjects)s::bytea[])
"""
    + SQL_CONDITIONS
    + r"""
), checked AS (
    SELECT id, at, CASE WHEN entry ->> 'id' = id::text AND entry ->> 'event' IS NOT NULL
                        THEN entry ELSE %(invalid)s::jsonb END AS entry
      FROM own
), use AS (
    SELECT width_bucket(at, %(starts)s::bigint[]) AS day,
           entry ->> 'actor_kind' AS actor_kind,
           entry ->> 'actor' = ANY(%(owner_actors)s::text[]) AS is_owner,
           entry ->> 'event' AS event,
           entry ->> 'purpose' AS purpose,
           entry ->> 'recipient' AS recipient,
           COALESCE(entry ->> 'feature', entry -> 'body' ->> 'feature') AS feature,
           entry ->> 'rule' AS rule,
           CASE WHEN entry ->> 'missing' ~ '^\[("[a-z_]+"(, )?)*\]$'
                THEN entry ->> 'missing' END AS missing,
           at,
           entry ->> 'class' AS class,
           sum(CASE WHEN entry ->> 'count' ~ '^[0-9]{1,9}$' THEN (entry ->> 'count')::bigint END)
               AS items,
           count(*) AS entries,
           max(id::text) AS newest
      FROM checked
     WHERE at >= %(period_start)s AND at < %(period_end)s
     GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
), moment AS (
    SELECT day, actor_kind, is_owner, event, purpose, recipient, feature, rule, missing, at,
           array_agg(class ORDER BY class) FILTER (WHERE class IS NOT NULL) AS classes,
           max(items) AS items, sum(entries) AS entries, max(newest) AS newest
      FROM use GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
)
SELECT day, actor_kind, is_owner, event, purpose, recipient, feature, rule, missing, classes,
       count(*), sum(items), sum(entries), min(at), max(at), max(newest)
  FROM moment GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
 ORDER BY max(newest) DESC
"""
)
_OUTCOMES = {event: outcome for outcome, event in OUTCOME_EVENTS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectActivity:
    """Entries of one day that differ in nothing but moment, subject and number of rows."""

    # Index of the day among the requested ones.
    day: int
    actor: EntryActor
    event: str
    # `permitted` or `refused`; None for events that are no use.
    outcome: str | None
    purpose: str | None
    recipient: str | None
    feature: str | None
    rule: str | None
    # Facts that were missing for a permit.
    missing: tuple[str, ...]
    data_classes: tuple[str, ...]
    # Requests: entries of one moment count once.
    request_count: int
    # Rows that the requests meant to open; None: not counted.
    item_count: int | None
    entry_count: int
    first_at: datetime
    last_at: datetime
    newest_entry_id: UUID


def count_subject_entries(
    subjects: Iterable[bytes], *, since: datetime, until: datetime, limit: int
) -> int:
    """Return about how many entries a period has, from the index alone; at most `limit`."""
    first_id, end_id = get_id_range(since, until)
    parameters: dict[str, Any] = {
        "subjects": list(dict.fromkeys(subjects)),
        "first_id": first_id,
        "end_id": end_id,
        "limit": limit,
    }
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, parameters)
        ((count,),) = cursor.fetchall()
    return int(count)


def summarise_subject_entries(
    subjects: Iterable[bytes], filters: EntryFilter, *, day_starts: Sequence[datetime]
) -> list[SubjectActivity]:
    """
    Return the activity of each day, newest first.

    :param filters: without a period
    :param day_starts: the start of each day, ascending, and the end of the last
    """
    unique_subjects = list(dict.fromkeys(subjects))
    if not unique_subjects or filters.outcome not in {None, *OUTCOME_EVENTS}:
        return []
    starts = [to_milliseconds(start) for start in day_starts]
    first_id, end_id = get_id_range(day_starts[0], day_starts[-1])
    parameters = {
        **build_parameters(unique_subjects, filters),
        "first_id": first_id,
        "end_id": end_id,
        "period_start": starts[0],
        "period_end": starts[-1],
        "starts": starts,
        "invalid": orjson.dumps({"event": INVALID_EVENT}).decode(),
    }
    with connection.cursor() as cursor:
        cursor.execute(_QUERY, parameters)
        return [_parse_activity(*row) for row in cursor.fetchall()]


def _parse_activity(*row: Any) -> SubjectActivity:
    day, actor_kind, is_owner, event, purpose, recipient, feature, rule, missing, *rest = row
    data_classes, request_count, item_count, entry_count, first_at, last_at, newest = rest
    return SubjectActivity(
        day=day - 1,
        actor=get_entry_actor(actor_kind, is_owner=bool(is_owner)),
        event=event,
        outcome=_OUTCOMES.get(event),
        purpose=purpose,
        recipient=recipient,
        feature=feature,
        rule=rule,
        missing=tuple(orjson.loads(missing)) if missing else (),
        data_classes=tuple(dict.fromkeys(data_classes or ())),
        request_count=request_count,
        item_count=None if item_count is None else int(item_count),
        entry_count=int(entry_count),
        first_at=datetime.fromtimestamp(first_at / 1000, UTC),
        last_at=datetime.fromtimestamp(last_at / 1000, UTC),
        newest_entry_id=UUID(newest),
    )
