"""
Microsoft Graph subscriptions, one per resource, renewed in place. After the end of a
subscription, another is opened and the resource's sync is due.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Final

from integrations.coordination import leases
from integrations.providers import errors
from integrations.providers.provider_definition import Provider
from integrations.providers.push import PushSubscriptions, RemoteChannel, WebhookChannel

from . import google_channels
from .watch_worker import WatchTurn
from .watched_resources import MAILBOX

# Microsoft allows a week at most, by its own clock.
LIFETIME: Final = timedelta(days=6, hours=20)


def uses_subscriptions(provider: Provider) -> bool:
    return provider.subscriptions is not None


def open_watch(turn: WatchTurn) -> None:
    """Delete the row if its resource is gone."""
    access = turn.get_access()
    target = google_channels.find_watched_resource(turn, access)
    if target is None or turn.provider.subscriptions is None:
        leases.delete_row(turn.lease)
        return
    hook = google_channels.announce_channel(turn, lasts=LIFETIME)
    with turn.provider.subscriptions(access) as subscriptions:
        opened = turn.call_provider(
            access, 0, lambda: _request_subscription(subscriptions, target, hook)
        )
        stop_opened = partial(subscriptions.stop_subscription, opened.resource_id)
        # The validation call before the response counts as the first notification.
        google_channels.save_opened_channel(
            turn, hook, opened, stop_opened=stop_opened, has_notified=True
        )


def _request_subscription(
    subscriptions: PushSubscriptions, target: str, hook: WebhookChannel
) -> RemoteChannel:
    if target == MAILBOX:
        return subscriptions.subscribe_to_mailbox(hook)
    return subscriptions.subscribe_to_calendar(target, hook)


def renew_subscription(turn: WatchTurn) -> None:
    channel_ids, provider = google_channels.read_channel_ids(turn), turn.provider
    if channel_ids is not None and provider.subscriptions is not None:
        access = turn.get_access()
        ends_at = turn.clock() + LIFETIME
        with provider.subscriptions(access) as subscriptions:
            try:
                until = turn.call_provider(
                    access,
                    0,
                    lambda: subscriptions.renew_subscription(channel_ids[1], ends_at=ends_at),
                )
            except errors.Gone:
                pass
            else:
                turn.mark_started(until)
                return
    turn.mark_ended()
    open_watch(turn)


def stop_subscription(turn: WatchTurn) -> None:
    """A subscription without a provider id expires by itself."""
    channel_ids, provider = google_channels.read_channel_ids(turn), turn.provider
    if channel_ids is None or provider.subscriptions is None:
        return
    access = turn.get_access()
    with provider.subscriptions(access) as subscriptions:
        turn.call_provider(access, 0, lambda: subscriptions.stop_subscription(channel_ids[1]))
