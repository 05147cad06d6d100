"""
Limit the concurrent requests to one mailbox, over all processes.

A slot is a lease in the mailbox's row (`QuotaBucket.slot_leases`), held during a call; a dead
process's leases expire. A call that outlives its lease may run beside another one; the provider
then refuses one of them, and the mailbox pauses.

A worker takes all slots that its call can use, a person as few as possible. After a person was
refused, workers get no slot until that person had one.
"""

from __future__ import annotations

import random  # noqa: TID251 - spreads load, guards nothing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection as database

from integrations.access.fences import DisconnectedError
from integrations.providers import errors, request_concurrency

from . import quota_buckets
from .quota_buckets import GRACE, PATIENCE

#: Seconds; longer than nearly every call.
LEASE_SECONDS: Final = 60.0
#: Seconds until a caller without a slot should retry.
RETRY_SECONDS: Final = 1.0
#: Seconds of a pause if the provider names no time.
DEFAULT_PAUSE: Final = 5.0
_POLL_SECONDS: Final = 0.1

_TAKE = """
WITH ready AS (
    SELECT clock_timestamp() AS now, parked_until,
        CASE WHEN NOT %(is_person)s THEN awaited_until END AS awaited_until,
        ARRAY(
            SELECT until FROM unnest(slot_leases) AS until WHERE until > clock_timestamp()
        ) AS leases
    FROM integrations_quotabucket WHERE connection_id = %(connection)s FOR UPDATE
), settled AS (
    SELECT *, now + %(lease)s * interval '1 second' AS until,
        coalesce(parked_until <= now, true) AND coalesce(awaited_until <= now, true)
        AND cardinality(leases) + %(want)s <= %(most)s AS is_granted
    FROM ready
)
UPDATE integrations_quotabucket AS bucket
SET slot_leases = CASE WHEN settled.is_granted
        THEN settled.leases || array_fill(settled.until, ARRAY[%(want)s])
        ELSE settled.leases END,
    awaited_until = CASE
        WHEN NOT %(is_person)s THEN bucket.awaited_until
        WHEN NOT settled.is_granted THEN settled.now + %(grace)s * interval '1 second'
    END
FROM settled WHERE bucket.connection_id = %(connection)s
RETURNING CASE WHEN settled.is_granted THEN settled.until END,
    extract(epoch FROM greatest(settled.parked_until, settled.awaited_until) - settled.now)::float8
"""
# Removes as many leases with this end as were taken.
_GIVE_BACK = """
UPDATE integrations_quotabucket SET slot_leases = ARRAY(
    SELECT until FROM (
        SELECT until, row_number() OVER (PARTITION BY until) AS number
        FROM unnest(slot_leases) AS until
    ) AS leases WHERE until <> %(until)s OR number > %(want)s
) WHERE connection_id = %(connection)s
"""


class NoFreeSlot(Exception):
    """Other requests are in flight, or the mailbox is paused. Retry in `wait` seconds."""

    def __init__(self, wait: float) -> None:
        super().__init__()
        self.wait = wait


@contextmanager
def hold_slots(
    *,
    connection_id: UUID,
    want: int,
    most: int,
    patience: float = PATIENCE,
    is_person: bool = False,
) -> Iterator[None]:
    """
    If the provider throttles the call, the mailbox pauses for all processes.

    :param want: requests in flight at once
    :param most: over all processes; 0: no limit
    :param patience: seconds
    :raises NoFreeSlot, DisconnectedError:
    """
    if not most:
        yield
        return
    want = min(want, most)
    until = _take_slots(connection_id, want, most, patience, is_person=is_person)
    width = request_concurrency.requests_at_once.set(want)
    try:
        yield
    except errors.Unavailable as error:
        if isinstance(error, errors.RateLimited) or error.retry_after:
            # Pause at once for all processes, before the caller handles the error.
            seconds = error.retry_after or DEFAULT_PAUSE
            quota_buckets.pause_mailbox(connection_id=connection_id, seconds=seconds)
        raise
    finally:
        request_concurrency.requests_at_once.reset(width)
        with database.cursor() as cursor:
            parameters: dict[str, Any] = {"connection": connection_id, "until": until, "want": want}
            cursor.execute(_GIVE_BACK, parameters)


def _take_slots(
    connection_id: UUID, want: int, most: int, patience: float, *, is_person: bool
) -> datetime:
    give_up_at = time.monotonic() + patience
    values: dict[str, Any] = {
        "connection": connection_id,
        "want": want,
        "most": most,
        "lease": LEASE_SECONDS,
        "is_person": is_person,
        "grace": RETRY_SECONDS + GRACE,
    }
    while True:
        until, wait = _try_taking(values)
        if until is not None:
            return until
        remaining_seconds = give_up_at - time.monotonic()
        if remaining_seconds <= 0 or (wait or 0.0) > remaining_seconds:
            raise NoFreeSlot(max(RETRY_SECONDS, wait or 0.0))
        time.sleep(min(remaining_seconds, _POLL_SECONDS * random.uniform(0.5, 1.5)))  # noqa: S311 - spreads load


def _try_taking(values: dict[str, Any]) -> tuple[datetime | None, float | None]:
    with database.cursor() as cursor:
        cursor.execute(_TAKE, values)
        row = cursor.fetchone()
        if row is None:
            quota_buckets.create_quota_bucket(connection_id=values["connection"])
            cursor.execute(_TAKE, values)
            row = cursor.fetchone()
    if row is None:
        raise DisconnectedError
    return row[0], row[1]
