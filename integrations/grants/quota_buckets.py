"""
A token bucket per mailbox, shared by all workers: a row, timed by PostgreSQL's clock.

Units are drawn before a call, so that workers never receive a 429. The bucket may go into debt by
the inflow of `PATIENCE` seconds; the caller waits until it is paid, so the provider's limit holds
over its counting window (`capacity + 60 * minutes * rate == limit`).

After a person's refused draw, workers draw nothing until the person had time to return.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection as database

from integrations.access.endpoints import RateSettings
from integrations.access.fences import DisconnectedError

# Part of the limit that may be spent in one burst; the rest flows in.
BURST = 0.25
# More units than any limit; the first draw cuts them to the capacity.
_FULL = 1e9
# Seconds that a worker waits in place; for longer waits its work returns to the table.
PATIENCE = 2.0
# Seconds that a returning person may be late.
GRACE = 3.0

# An ended connection gets no bucket from a late worker. The share lock waits for a disconnect in
# progress, and sees it.
_CREATE = """
INSERT INTO integrations_quotabucket (connection_id, units, counted_at, slot_leases)
SELECT id, %(units)s, clock_timestamp(), '{}' FROM integrations_connection
 WHERE id = %(connection)s AND ended_at IS NULL FOR SHARE
ON CONFLICT DO NOTHING
"""
# One statement, so that two workers never spend the same unit. It grants all wanted units, or those
# that flow in within the patience, or none if even `least` would take longer.
_DRAW = """
WITH ready AS (
    SELECT clock_timestamp() AS now, parked_until, CASE WHEN %(is_person)s THEN NULL
        ELSE awaited_until END AS awaited_until, least(%(capacity)s, units + %(rate)s
        * greatest(0, extract(epoch FROM clock_timestamp() - counted_at)::float8)) AS units
    FROM integrations_quotabucket WHERE connection_id = %(connection)s FOR UPDATE
), settled AS (
    SELECT *, CASE
        WHEN awaited_until > now THEN 0
        WHEN parked_until > now OR units + %(patience)s * %(rate)s < %(least)s THEN 0
        ELSE least(%(want)s, floor(units + %(patience)s * %(rate)s))
    END AS granted FROM ready
)
UPDATE integrations_quotabucket AS bucket
SET units = settled.units - settled.granted, counted_at = settled.now, awaited_until = CASE
    WHEN NOT %(is_person)s THEN bucket.awaited_until
    WHEN settled.granted = 0 AND settled.units < %(least)s THEN settled.now + interval '1 second'
        * (%(grace)s + (%(least)s - settled.units) / %(rate)s)
END
FROM settled WHERE bucket.connection_id = %(connection)s
RETURNING settled.granted::bigint, CASE
    WHEN settled.parked_until > settled.now
        THEN extract(epoch FROM settled.parked_until - settled.now)::float8
    WHEN settled.awaited_until > settled.now
        THEN extract(epoch FROM settled.awaited_until - settled.now)::float8
    WHEN settled.granted = 0 THEN (%(least)s - settled.units) / %(rate)s
    ELSE greatest(0, (settled.granted - settled.units) / %(rate)s)
END
"""
_GIVE_BACK = """
UPDATE integrations_quotabucket SET units = units + %(units)s WHERE connection_id = %(connection)s
"""
_PAUSE = """
INSERT INTO integrations_quotabucket
    (connection_id, units, counted_at, parked_until, slot_leases)
SELECT id, 0, clock_timestamp(), clock_timestamp() + %(seconds)s * interval '1 second', '{}'
  FROM integrations_connection WHERE id = %(connection)s AND ended_at IS NULL FOR SHARE
ON CONFLICT (connection_id) DO UPDATE SET parked_until =
    greatest(excluded.parked_until, integrations_quotabucket.parked_until)
"""


@dataclass(frozen=True, slots=True)
class MailboxRateLimit:
    """
    :param per_minute: quota units; 0: no limit
    :param minutes: the provider's counting window, in which at most `per_minute * minutes` units
        are spent
    """

    per_minute: int
    minutes: int = 1

    @property
    def burst_capacity(self) -> float:
        return self.per_minute * self.minutes * BURST

    @property
    def units_per_second(self) -> float:
        return self.per_minute * (1 - BURST) / 60


def make_rate_limit(rate_settings: RateSettings) -> MailboxRateLimit:
    return MailboxRateLimit(rate_settings.units_per_minute, rate_settings.minutes)


@dataclass(frozen=True, slots=True)
class QuotaGrant:
    """`units` to spend after `wait` seconds; without units, when to ask again."""

    units: int
    wait: float


def draw_quota_units(  # noqa: PLR0913 - one question to the bucket
    *,
    connection_id: UUID,
    units: int,
    least_units: int,
    limit: MailboxRateLimit,
    patience: float = PATIENCE,
    is_person: bool = False,
) -> QuotaGrant:
    """
    Return a grant of up to `units`, available now or after a short wait.

    :param least_units: the smallest useful part
    :param patience: seconds
    :param is_person: after a refusal workers draw nothing until the person returns
    :raises DisconnectedError:
    """
    if limit.per_minute == 0:
        return QuotaGrant(units, 0.0)
    values: dict[str, Any] = {
        "connection": connection_id,
        "want": float(units),
        "least": float(min(least_units, units)),
        "capacity": limit.burst_capacity,
        "rate": limit.units_per_second,
        "patience": patience,
        "is_person": is_person,
        "grace": GRACE,
    }
    with database.cursor() as cursor:
        cursor.execute(_DRAW, values)
        row = cursor.fetchone()
        if row is None:
            create_quota_bucket(connection_id=connection_id)
            cursor.execute(_DRAW, values)
            row = cursor.fetchone()
    if row is None:
        raise DisconnectedError
    return QuotaGrant(int(row[0]), float(row[1]))


def return_quota_units(*, connection_id: UUID, units: int) -> None:
    with database.cursor() as cursor:
        cursor.execute(_GIVE_BACK, {"connection": connection_id, "units": units})


def create_quota_bucket(*, connection_id: UUID) -> None:
    """A connection that has ended gets no bucket."""
    with database.cursor() as cursor:
        cursor.execute(_CREATE, {"connection": connection_id, "units": _FULL})


def pause_mailbox(*, connection_id: UUID, seconds: float) -> None:
    """Stop all calls for the mailbox."""
    with database.cursor() as cursor:
        cursor.execute(_PAUSE, {"connection": connection_id, "seconds": seconds})
