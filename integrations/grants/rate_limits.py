"""
One token bucket per mailbox, shared by all workers: a row, and PostgreSQL's clock.

Units are drawn before a call is made, so that a well-behaved fleet never meets
a 429. The bucket may go into debt by what flows in within `PATIENCE`: whoever
draws waits the debt off before calling, which keeps the time over which the provider
counts at or below its limit (`capacity + 60 * minutes * rate == limit`).

A person waits less than a worker, and comes before it all the same: a draw for a person that is
refused keeps workers from drawing until the person can have come back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection as database

from integrations.access.endpoints import RateSettings
from integrations.access.fences import DisconnectedError

# The part of the provider's limit that may be spent in one burst; the rest flows in.
BURST = 0.25
# More units than any limit allows at once: the first draw cuts them to the capacity.
_FULL = 1e9
# Seconds that a worker waits in place; for longer the work goes back to the table.
PATIENCE = 2.0
# Seconds that a person who was told when to come back may be late.
GRACE = 3.0

# A worker may be late: a connection that has ended gets no bucket any more. The share lock
# makes it wait for an end that is under way, and see it.
_CREATE = """
INSERT INTO integrations_quotabucket (connection_id, units, counted_at, slot_leases)
SELECT id, %(units)s, clock_timestamp(), '{}' FROM integrations_connection
 WHERE id = %(connection)s AND ended_at IS NULL FOR SHARE
ON CONFLICT DO NOTHING
"""
# One statement, so that two workers never spend the same unit. What is granted
# is all that is wanted, or the part of it that flows in within the patience, or
# nothing if even `least` is too far away.
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
class RateLimit:
    """
    How fast one mailbox may be read.

    :param per_minute: quota units in a minute; 0 stands for no limit
    :param minutes: the time over which the provider counts: in any such time no more are spent
        than `per_minute` for each of its minutes
    """

    per_minute: int
    minutes: int = 1

    @property
    def burst_capacity(self) -> float:
        """Units that may be spent at once."""
        return self.per_minute * self.minutes * BURST

    @property
    def units_per_second(self) -> float:
        """Units that flow in each second."""
        return self.per_minute * (1 - BURST) / 60


def make_rate_limit(rate_settings: RateSettings) -> RateLimit:
    """Return the limit that settings and provider set."""
    return RateLimit(rate_settings.units_per_minute, rate_settings.minutes)


@dataclass(frozen=True, slots=True)
class QuotaGrant:
    """
    An answer of the bucket.

    `units` may be spent after `wait` seconds; where there are none, `wait` says
    in how many seconds to ask again.
    """

    units: int
    wait: float


def draw_units(  # noqa: PLR0913 - one question to the bucket
    *,
    connection_id: UUID,
    units: int,
    least_units: int,
    limit: RateLimit,
    patience: float = PATIENCE,
    is_person: bool = False,
) -> QuotaGrant:
    """
    Return what may be spent of `want` units, now or after a short wait.

    :param least: the smallest part of it that is of any use
    :param patience: seconds that the caller waits
    :param is_person: whether a person waits for it: workers draw nothing until they came back
    :raises NoLongerLive: if the connection has ended
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
            create_bucket(connection_id=connection_id)
            cursor.execute(_DRAW, values)
            row = cursor.fetchone()
    if row is None:
        raise DisconnectedError
    return QuotaGrant(int(row[0]), float(row[1]))


def return_units(*, connection_id: UUID, units: int) -> None:
    """Return units that were drawn and not spent."""
    with database.cursor() as cursor:
        cursor.execute(_GIVE_BACK, {"connection": connection_id, "units": units})


def create_bucket(*, connection_id: UUID) -> None:
    """
    Make the row of a mailbox that has none, with a full bucket; where there is one, do nothing.

    A connection that has ended gets none.
    """
    with database.cursor() as cursor:
        cursor.execute(_CREATE, {"connection": connection_id, "units": _FULL})


def pause_mailbox(*, connection_id: UUID, seconds: float) -> None:
    """Let nobody call for that mailbox until the provider's "not before" has passed."""
    with database.cursor() as cursor:
        cursor.execute(_PAUSE, {"connection": connection_id, "seconds": seconds})
