"""
How long to rest after a turn: the provider is rarely asked while it tells of news by itself.

And what follows from what was found: news that was told of and is not to be read yet is looked for
again, and news that should have been told of and was not makes its teller silent.
"""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import transaction

from integrations import push
from integrations.access import fences
from integrations.push import watch_health
from integrations.push.watch_health import Standing

from .sync_turn import Turn


def rests_for(turn: Turn, *, at: datetime) -> float:
    """Return for how many seconds there is nothing to do, after a turn that finished."""
    rest = _rest_before_news(turn, at=at)
    again_at = turn.next_try_at()
    return rest if again_at is None else min(rest, max(0.0, (again_at - at).total_seconds()))


def _rest_before_news(turn: Turn, *, at: datetime) -> float:
    """Return for how many seconds news need not be looked for."""
    rest = turn.rests_for()
    found = turn.watch
    if not turn.wants_news:
        push.give_up(integration_id=turn.integration.id, resource=turn.work.resource, at=at)
        return rest
    if found is None:
        _follow(turn, at)
        return max(rest, turn.idles_for(at))
    if _was_missed(turn, found, at):
        return rest
    is_heard = found.is_heard(at)
    rest = max(rest, float(settings.PUSH_POLL_SECONDS) if is_heard else turn.idles_for(at))
    found_at = None if turn.is_early else turn.work.last_event_at
    again = watch_health.look_again(found, found_at=found_at, at=at)
    return rest if again is None else min(rest, again)


def _was_missed(turn: Turn, found: Standing, at: datetime) -> bool:
    since = turn.work.last_synced_at
    if not turn.found_news or since is None:
        return False
    return watch_health.missed(
        found,
        integration_id=turn.integration.id,
        resource=turn.work.resource,
        since=since,
        at=at,
    )


def _follow(turn: Turn, at: datetime) -> None:
    """Have the provider tell of it, where it is to and was not asked yet."""
    integration, resource = turn.integration, turn.work.resource
    if not push.is_on(integration, resource) or turn.has_watch:
        return
    with transaction.atomic(durable=True):
        fences.hold(integration_id=integration.id, epoch=turn.epoch)
        push.want(integration=integration, resource=resource, at=at)
