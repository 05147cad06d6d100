"""
Start, renew, replace and stop watches at the provider, by the status of their rows. The sync
polls with or without a working watch.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from accounts import row_owner
from integrations.access.fences import DisconnectedError
from integrations.coordination import leases
from integrations.coordination.leases import LeaseLost
from integrations.grants.quota_purse import ProviderCallPostponed
from integrations.models import WatchKind, WatchStatus
from integrations.providers import errors
from limited_use import traceback_scrubber
from limited_use.guard.guard import AccessRefused
from limited_use.vault.data_keys import KeyDestroyed
from limited_use.vault.envelope import Unopenable
from limited_use.vault.keyring.keyring_port import KeyStoreUnavailable

from . import (
    desired_watches,
    gmail_watch,
    google_channels,
    graph_subscriptions,
    retry_backoff,
    watch_error_policy,
)
from .watch_worker import WatchTurn

logger = logging.getLogger(__name__)

# Pause after a temporary obstacle that is no failure.
PAUSE: Final = timedelta(seconds=30)
# Refusals last for a while, and every try writes to the ledger.
_REFUSED: Final = (AccessRefused, KeyDestroyed, Unopenable, errors.GrantRevoked)


def reconcile_watch(*, watch_id: UUID, now: Callable[[], datetime] = timezone.now) -> UUID | None:
    """
    Return the id of sync work to enqueue: earlier changes of a resource with a watch that just
    started or ended were not notified.

    :raises NotClaimable:
    """
    at, duration = now(), timedelta(seconds=settings.LEASE_SECONDS)
    due = desired_watches.filter_claimable(at).select_related("integration", "connection")
    lease, watch = leases.claim_from(due, watch_id, at=at, duration=duration)
    account = watch.connection
    with row_owner.acting_for(account.user_id, account.organisation_id):
        turn = WatchTurn(lease, watch, now)
        _run_turn(turn)
        return turn.due_work_id


def _run_turn(turn: WatchTurn) -> None:
    try:
        _apply_status(turn)
    except LeaseLost:
        pass
    except ProviderCallPostponed as postponed:
        turn.postpone_watch(timedelta(seconds=postponed.wait))
    except (DisconnectedError, KeyStoreUnavailable):
        turn.postpone_watch(PAUSE)
    except _REFUSED:
        turn.postpone_watch(retry_backoff.LONGEST)
    except errors.ProviderError as error:
        watch_error_policy.record_failure(turn, error)
    except Exception as bug:
        # A developer is paged, so the next try waits. The frames may hold content, so no report
        # shows them.
        traceback_scrubber.clear_frames(bug)
        logger.exception("watch.crashed", extra=turn.log_fields)
        turn.postpone_watch(retry_backoff.LONGEST)
        raise


def _apply_status(turn: WatchTurn) -> None:
    watch = turn.watch
    is_subscribed = graph_subscriptions.uses_subscriptions(turn.provider)
    if watch.status == WatchStatus.LEAVING:
        _stop_watch(turn)
    elif watch.kind == WatchKind.TOPIC:
        gmail_watch.start_watch(turn)
    elif watch.status == WatchStatus.WANTED:
        (graph_subscriptions if is_subscribed else google_channels).open_watch(turn)
    elif is_subscribed:
        graph_subscriptions.renew_subscription(turn)
    else:
        google_channels.replace_channel(turn)


def _stop_watch(turn: WatchTurn) -> None:
    watch = turn.watch
    try:
        if watch.kind == WatchKind.TOPIC:
            gmail_watch.stop_watch(turn)
        elif graph_subscriptions.uses_subscriptions(turn.provider):
            graph_subscriptions.stop_subscription(turn)
        else:
            google_channels.stop_channel(turn)
    except errors.ProviderError:
        # Retry only until the watch expires by itself.
        if watch.expires_at is not None and watch.expires_at > turn.clock():
            raise
    leases.delete_row(turn.lease)
    logger.info("watch.stopped", extra=turn.log_fields)
