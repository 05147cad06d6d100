"""
One turn at one piece of work: claim, permits, pages until the time is up, the state it leaves.

What is brought in is the turn's (`mailing`, `calendars`): fetch first, then one short transaction
under the fence. What goes wrong is for `failures`; only the provider's word that the grant is gone
asks anybody to reconnect.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction

from accounts import row_owner
from integrations import tokens
from integrations.fences import NoLongerLive
from integrations.leases import Lease, LeaseLost
from integrations.models import StatusReason, SyncWork
from integrations.parsers.pool import Busy
from integrations.providers import errors
from limited_use import traces
from limited_use.guard import Refused
from limited_use.vault.keyring import KeyStoreUnavailable
from limited_use.vault.keys import Destroyed, Shut
from limited_use.vault.records import Damaged, Unopenable

from . import calendars, claims, crashes, failures, listening, mailing, releasing
from .mailbox import Postponed
from .turn import Clock, Turn

logger = logging.getLogger(__name__)

# A permit lives for a minute, and a worker is everybody's.
TIME_BUDGET = timedelta(seconds=20)

# It was disconnected, or somebody took over: what is held is dropped, and nobody is told.
_OVER = (NoLongerLive, Refused, Destroyed, Unopenable)


#: What is brought in, by product of the integration.
_PRODUCTS: Final[dict[str, Callable[..., AbstractContextManager[Turn]]]] = {
    "mail": mailing.opened,
    "calendar": calendars.opened,
}


def run(*, work_id: UUID, at: datetime, time_budget: timedelta | None = None) -> bool:
    """Take a turn; return whether the work is due again at once. See `take_turn`."""
    return work_id in take_turn(work_id=work_id, at=at, time_budget=time_budget)


def take_turn(*, work_id: UUID, at: datetime, time_budget: timedelta | None = None) -> list[UUID]:
    """
    Work on one mailbox or calendar. Return the ids of work that is due at once: this, or new work.

    :param time_budget: how long to begin new steps; None: as usual, no longer than a lease
    :raises NotClaimable: if the work is not due, or another worker holds it
    """
    clock = Clock(at)
    duration = timedelta(seconds=settings.LEASE_SECONDS)
    if time_budget is None:
        time_budget = min(TIME_BUDGET, duration)
    # Renewed with every commit; never shorter than a turn without one.
    duration = max(duration, time_budget)
    lease, work, follows_crash = claims.claim(work_id=work_id, at=at, duration=duration)
    account = work.integration.connection
    with row_owner.acting_for(account.user_id, account.organisation_id):
        if follows_crash:
            crashes.report(work, at=at)
        is_due = _turn(lease, work, clock, time_budget)
        due = [work_id] if is_due else []
        if work.resource == calendars.LISTING:
            # It opens work for each calendar: not for the sweep to find.
            due += claims.due_beside(work_id, at=clock.now())
        return due


def _turn(lease: Lease, work: SyncWork, clock: Clock, time_budget: timedelta) -> bool:
    try:
        opened = _PRODUCTS[work.integration.product]
        with opened(lease, work, clock, time_budget) as turn:
            return _run(turn)
    except LeaseLost:
        return False
    except (Damaged, Shut):
        # What it needs here was changed: it fails until that is mended, and stops only itself.
        failures.report_damage(lease, work, clock)
        return False
    except _OVER:
        failures.give_up(lease, work, clock)
        return False
    except KeyStoreUnavailable:
        # Neither the mailbox's fault nor the user's business: later, from where it stands.
        logger.warning("sync.keys_unavailable", extra={"work_id": str(work.id)})
        failures.give_up(lease, work, clock)
        return False
    except Exception as bug:
        # It pages a developer, and must not come back every second. Ids, cursors and the name of a
        # main calendar, which is an address, stand in its frames: no report has them.
        traces.clear(bug)
        logger.exception(
            "sync.crashed",
            extra={
                "connection_id": work.integration.connection_id,
                "integration_id": work.integration_id,
                "attempt": work.failure_count + 1,
            },
        )
        work.crash_count += 1
        failures.give_up(lease, work, clock, failed=True)
        crashes.report(work, at=clock.now())
        raise


def _run(turn: Turn) -> bool:
    try:
        finished = turn.advance()
    except Postponed as postponed:
        # Whoever hurries waits for the quota as well.
        _released(turn, wait=postponed.wait, pause_reason=StatusReason.RATE_LIMITED)
        return False
    except Busy as busy:
        failures.back_off(
            turn,
            busy,
            StatusReason.BUSY,
            wait=claims.compute_backoff(failures.count_failures(turn)),
        )
        return False
    except errors.GrantRevoked:
        tokens.grant_ended(
            connection_id=turn.integration.connection_id,
            epoch=turn.credential_epoch,
            at=turn.clock.now(),
        )
        failures.give_up(turn.lease, turn.work, turn.clock)
        return False
    except errors.ProviderError as error:
        failures.handle_error(turn, error)
        return False
    wait = listening.rests_for(turn, at=turn.clock.now()) if finished else 0
    was_hurried = _released(turn, wait=wait, finished=finished)
    return was_hurried or not finished


def _released(
    turn: Turn,
    *,
    wait: float,
    finished: bool = False,
    pause_reason: StatusReason = StatusReason.NONE,
) -> bool:
    """Give the work back. Return whether news was reported while it was held."""
    now = turn.clock.now()
    values: dict[str, Any] = {"heartbeat_at": now, "pause_reason": pause_reason}
    # A careful turn that got nowhere has not found what the turns before it died of.
    is_clean = finished or turn.has_moved or not crashes.is_careful(turn.work)
    if is_clean:
        values |= {"failure_count": 0, "failing_since": None, "crash_count": 0}
    if finished or turn.has_moved:
        values["denial_count"] = 0
    if finished:
        values |= {"last_synced_at": now, **turn.finished()}
    next_sync_at = now + timedelta(seconds=wait)
    status = None
    if is_clean:
        turn.work.failing_since = None
        status = releasing.get_changed_status(turn, StatusReason.NONE, at=now)
    if status is None and not turn.unsaved:
        return claims.release(turn.lease, next_sync_at=next_sync_at, values=values)
    if status is None and releasing.release_row(
        turn.lease,
        integration_id=turn.work.integration_id,
        epoch=turn.epoch,
        values={"next_sync_at": next_sync_at, **values, **turn.unsaved},
    ):
        return False
    # Together: what crashes in here is a crash of a turn that still has its lease. The integration
    # first: see "Lock order" in the README.
    with transaction.atomic(durable=True):
        values |= releasing.hold_unsaved(turn)
        if status is not None:
            releasing.set_status(turn, status, at=now)
        return claims.release(turn.lease, next_sync_at=next_sync_at, values=values)
