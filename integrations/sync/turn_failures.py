"""Count and report a turn's failure, and schedule the next try."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from django.db import transaction

from accounts import alarms as platform_alarms
from integrations.access import scopes
from integrations.coordination import leases
from integrations.coordination.leases import Lease, LeaseLost
from integrations.grants import access_tokens, provider_alerts
from integrations.models import Connection, StatusReason, SyncWork
from integrations.providers import PROVIDERS, errors

from . import sync_error_policy, turn_crashes, turn_end, work_leases
from .sync_error_policy import SyncFailureHandling
from .sync_turn import SyncClock, SyncTurn

logger = logging.getLogger(__name__)


def handle_error(turn: SyncTurn, error: errors.ProviderError) -> None:
    now = turn.clock.now()
    unproven = _count_denial(turn) if sync_error_policy.is_provider_denial(error) else None
    handling = unproven or sync_error_policy.get_sync_error_handling(error)
    wait = handling.compute_wait(error, count_failures(turn))
    # A retry-after header concerns the whole mailbox.
    if handling.pauses_connection or error.retry_after:
        turn.pause_calls(wait)
    provider = turn.integration.connection.provider
    if unproven is None:
        provider_alerts.alert_on_error(error, provider=provider, at=now)
    if handling.reason == StatusReason.UNEXPECTED:
        # The owner's message says that operators were alerted.
        provider_alerts.raise_alert(provider_alerts.UNEXPECTED, provider=provider, at=now)
    back_off_sync(turn, error, handling.reason, wait=wait, code=error.reason)


def _count_denial(turn: SyncTurn) -> SyncFailureHandling | None:
    """
    Make the next try use a new token. Return None if the new token's scopes or repetition prove
    the refusal.
    """
    turn.work.denial_count += 1
    connection = Connection.objects.get(id=turn.integration.connection_id)
    provider, granted = PROVIDERS[connection.provider], connection.granted_scopes
    if not scopes.get_served_features(provider, turn.integration.product, granted):
        return None
    if turn.work.denial_count == 1:
        access_tokens.reject_token(connection)
    return sync_error_policy.get_denial_handling(turn.work.denial_count)


def count_failures(turn: SyncTurn) -> int:
    """Count this failure and those before in a row."""
    return turn.work.failure_count + 1


def back_off_sync(
    turn: SyncTurn, error: Exception, reason: StatusReason, *, wait: float, code: str = ""
) -> None:
    """
    Release the work after a failure, and update the integration's status.

    :param code: the provider's error code
    """
    now = turn.clock.now()
    turn.work.failing_since = turn.work.failing_since or now
    if reason == StatusReason.BUSY:
        turn_crashes.report_busy_parsers(turn.work, at=now)
    logger.warning(
        "sync.failed",
        extra={
            "connection_id": turn.integration.connection_id,
            "integration_id": turn.integration.id,
            "error": type(error).__name__,
            "reason": code,
            "attempt": count_failures(turn),
            "next_try_at": now + timedelta(seconds=wait),
        },
    )
    # In one transaction: a crash in it is the crash of a turn that still holds its lease.
    with transaction.atomic(durable=True):
        unsaved = turn_end.hold_unsaved_sync_values(turn)
        if (status := turn_end.get_changed_status(turn, reason, at=now)) is not None:
            turn_end.set_status(turn, status, at=now)
        leases.release(
            turn.lease,
            next_sync_at=now + timedelta(seconds=wait),
            failure_count=count_failures(turn),
            failing_since=turn.work.failing_since,
            crash_count=0,
            denial_count=turn.work.denial_count,
            pause_reason=reason,
            **unsaved,
        )


def report_damaged_key(lease: Lease, work: SyncWork, clock: SyncClock) -> None:
    """Retry with growing pauses; alert an operator once a day."""
    now = clock.now()
    platform_alarms.raise_alarm(
        kind="sync.damaged",
        about=work.integration_id,
        window=f"{now:%Y-%m-%d}",
        body={"work": str(work.id)},
        at=now,
    )
    # The turns of other calendars read this count to learn why this one fails.
    work.crash_count = max(work.crash_count + 1, turn_crashes.LIMIT)
    postpone_sync_work(lease, work, clock, failed=True)
    turn_crashes.degrade_integration(work, at=now)


def postpone_sync_work(
    lease: Lease, work: SyncWork, clock: SyncClock, *, failed: bool = False
) -> None:
    """If the integration is not live, no worker claims the work again."""
    now, count = clock.now(), work.failure_count + 1
    later = now + timedelta(seconds=work_leases.compute_backoff(count))
    values: dict[str, Any] = {}
    if failed:
        values = {
            "failure_count": count,
            "failing_since": work.failing_since or now,
            "crash_count": work.crash_count,
        }
    try:
        leases.release(lease, next_sync_at=later, **values)
    except LeaseLost:
        # The purge deleted the work, or the turn crashed after releasing it.
        if failed:
            work_leases.save_late_crash(lease, until=later, values=values)
