"""
The rest after a turn: long while push notifications arrive, short while a notified change is not
served yet. A change without a notification marks the watch as silent.
"""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import transaction

from integrations import push
from integrations.access import fences
from integrations.push import watch_health
from integrations.push.watch_health import WatchHealth

from .sync_turn import SyncTurn


def get_rest_seconds(turn: SyncTurn, *, at: datetime) -> float:
    rest = _get_push_rest_seconds(turn, at=at)
    retry_at = turn.get_next_retry_at()
    return rest if retry_at is None else min(rest, max(0.0, (retry_at - at).total_seconds()))


def _get_push_rest_seconds(turn: SyncTurn, *, at: datetime) -> float:
    rest = turn.get_poll_seconds()
    watch = turn.watch
    if not turn.wants_push:
        push.withdraw_watches(
            integration_id=turn.integration.id, resource=turn.work.resource, at=at
        )
        return rest
    if watch is None:
        _request_push(turn, at)
        return max(rest, turn.get_idle_seconds(at))
    if _was_missed(turn, watch, at):
        return rest
    is_heard = watch.is_trusted(at)
    rest = max(rest, float(settings.PUSH_POLL_SECONDS) if is_heard else turn.get_idle_seconds(at))
    found_at = None if turn.awaits_change else turn.work.last_event_at
    recheck_seconds = watch_health.get_recheck_seconds(watch, found_at=found_at, at=at)
    return rest if recheck_seconds is None else min(rest, recheck_seconds)


def _was_missed(turn: SyncTurn, watch: WatchHealth, at: datetime) -> bool:
    since = turn.work.last_synced_at
    if not turn.found_changes or since is None:
        return False
    return watch_health.mark_if_silent(
        watch,
        integration_id=turn.integration.id,
        resource=turn.work.resource,
        since=since,
        at=at,
    )


def _request_push(turn: SyncTurn, at: datetime) -> None:
    integration, resource = turn.integration, turn.work.resource
    if not push.is_push_enabled(integration, resource) or turn.has_watch:
        return
    with transaction.atomic(durable=True):
        fences.lock_integration(integration_id=integration.id, epoch=turn.epoch)
        push.request_watch(integration=integration, resource=resource, at=at)
