"""
Take one turn at sync work: claim it, ask for permits, sync within a time budget, release it.

The caller passes a registry of products. A product's turn fetches, and writes in short
transactions under the fence. The owner is asked to reconnect only if the provider says that the
grant has ended.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from accounts import row_owner
from integrations.access.fences import DisconnectedError
from integrations.coordination.leases import Lease, LeaseLost
from integrations.grants import access_tokens
from integrations.grants.quota_purse import ProviderCallPostponed
from integrations.models import StatusReason, SyncWork
from integrations.parsers.parser_pool import ParsersBusy
from integrations.providers import errors
from limited_use import traceback_scrubber
from limited_use.guard.guard import AccessRefused
from limited_use.vault.data_keys import KeyDestroyed, KeyUnusable
from limited_use.vault.envelope import Damaged, Unopenable
from limited_use.vault.keyring.keyring_port import KeyStoreUnavailable

from . import poll_interval, turn_crashes, turn_end, turn_failures, work_leases
from .sync_turn import SyncClock, SyncProduct, SyncTurn

logger = logging.getLogger(__name__)

# A permit lasts a minute, and all mailboxes share the workers.
TIME_BUDGET = timedelta(seconds=20)

# The integration was disconnected, or another worker holds its work: drop the data without a
# report.
_OVER_ERRORS = (DisconnectedError, AccessRefused, KeyDestroyed, Unopenable)


def run_sync_turn(
    products: Mapping[str, SyncProduct],
    *,
    work_id: UUID,
    at: datetime,
    time_budget: timedelta | None = None,
) -> bool:
    """Return whether the work is due again at once. See `take_sync_turn`."""
    return work_id in take_sync_turn(products, work_id=work_id, at=at, time_budget=time_budget)


def take_sync_turn(
    products: Mapping[str, SyncProduct],
    *,
    work_id: UUID,
    at: datetime,
    time_budget: timedelta | None = None,
) -> list[UUID]:
    """
    Return the ids of work that is due at once: the same, or new work.

    :param products: by the integration's product
    :param time_budget: for starting new requests; None: the default, at most a lease
    :raises NotClaimable:
    """
    clock = SyncClock(at)
    duration = timedelta(seconds=settings.LEASE_SECONDS)
    if time_budget is None:
        time_budget = min(TIME_BUDGET, duration)
    # Every commit renews the lease; a turn may take its whole time without a commit.
    duration = max(duration, time_budget)
    lease, work, follows_crash = work_leases.claim(work_id=work_id, at=at, duration=duration)
    account = work.integration.connection
    with row_owner.acting_for(account.user_id, account.organisation_id):
        if follows_crash:
            turn_crashes.report_crash(work, at=at)
        is_due = _run_guarded(products, lease, work, clock, time_budget)
        due = [work_id] if is_due else []
        if work.resource == products[work.integration.product].listing_resource:
            # The turn may have created work, which should not wait for the sweep.
            due += work_leases.get_due_siblings(work_id, at=clock.now())
        return due


def _run_guarded(
    products: Mapping[str, SyncProduct],
    lease: Lease,
    work: SyncWork,
    clock: SyncClock,
    time_budget: timedelta,
) -> bool:
    try:
        product = products[work.integration.product]
        with product.open_turn(lease, work, clock, time_budget) as turn:
            return _advance_turn(turn)
    except LeaseLost:
        return False
    except (Damaged, KeyUnusable):
        # A stored value was changed: this work fails until it is repaired; other work goes on.
        turn_failures.report_damaged_key(lease, work, clock)
        return False
    except _OVER_ERRORS:
        turn_failures.postpone_sync_work(lease, work, clock)
        return False
    except KeyStoreUnavailable:
        # Neither the mailbox nor its owner is at fault: continue later from the same position.
        logger.warning("sync.keys_unavailable", extra={"work_id": str(work.id)})
        turn_failures.postpone_sync_work(lease, work, clock)
        return False
    except Exception as bug:
        # A bug alerts a developer, and is not retried every second. Its frames hold ids, cursors
        # and the name of a primary calendar, which is an address: no report may show them.
        traceback_scrubber.clear_frames(bug)
        logger.exception(
            "sync.crashed",
            extra={
                "connection_id": work.integration.connection_id,
                "integration_id": work.integration_id,
                "attempt": work.failure_count + 1,
            },
        )
        work.crash_count += 1
        turn_failures.postpone_sync_work(lease, work, clock, failed=True)
        turn_crashes.report_crash(work, at=clock.now())
        raise


def _advance_turn(turn: SyncTurn) -> bool:
    try:
        finished = turn.advance()
    except ProviderCallPostponed as postponed:
        # Work that became due during the turn waits for the quota as well.
        _release_work(turn, wait=postponed.wait, pause_reason=StatusReason.RATE_LIMITED)
        return False
    except ParsersBusy as busy:
        turn_failures.back_off_sync(
            turn,
            busy,
            StatusReason.BUSY,
            wait=work_leases.compute_backoff(turn_failures.count_failures(turn)),
        )
        return False
    except errors.GrantRevoked:
        access_tokens.record_grant_ended(
            connection_id=turn.integration.connection_id,
            epoch=turn.credential_epoch,
            at=turn.clock.now(),
        )
        turn_failures.postpone_sync_work(turn.lease, turn.work, turn.clock)
        return False
    except errors.ProviderError as error:
        turn_failures.handle_error(turn, error)
        return False
    wait = poll_interval.get_rest_seconds(turn, at=turn.clock.now()) if finished else 0
    became_due = _release_work(turn, wait=wait, finished=finished)
    return became_due or not finished


def _release_work(
    turn: SyncTurn,
    *,
    wait: float,
    finished: bool = False,
    pause_reason: StatusReason = StatusReason.NONE,
) -> bool:
    """Return whether a notification made the work due during the turn."""
    now = turn.clock.now()
    values: dict[str, Any] = {"heartbeat_at": now, "pause_reason": pause_reason}
    # A careful turn without progress has not found the message that crashed earlier turns.
    is_clean = finished or turn.has_progressed or not turn_crashes.needs_careful_sync(turn.work)
    if is_clean:
        values |= {"failure_count": 0, "failing_since": None, "crash_count": 0}
    if finished or turn.has_progressed:
        values["denial_count"] = 0
    if finished:
        values |= {"last_synced_at": now, **turn.get_final_values()}
    next_sync_at = now + timedelta(seconds=wait)
    status = None
    if is_clean:
        turn.work.failing_since = None
        status = turn_end.get_changed_status(turn, StatusReason.NONE, at=now)
    if status is None and not turn.unsaved_values:
        return work_leases.release(turn.lease, next_sync_at=next_sync_at, values=values)
    if status is None and turn_end.release_sync_work_row(
        turn.lease,
        integration_id=turn.work.integration_id,
        epoch=turn.epoch,
        values={"next_sync_at": next_sync_at, **values, **turn.unsaved_values},
    ):
        return False
    # In one transaction: a crash in it is the crash of a turn that still holds its lease. The
    # integration is locked first: see "Lock order" in the README.
    with transaction.atomic(durable=True):
        values |= turn_end.hold_unsaved_sync_values(turn)
        if status is not None:
            turn_end.set_status(turn, status, at=now)
        return work_leases.release(turn.lease, next_sync_at=next_sync_at, values=values)
