"""
Google Calendar push channels, one per calendar and one for the calendar list.

A Google channel cannot be renewed: a second one is opened before the first is stopped, so that no
change falls between them. A change that both notify causes one sync.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Final

from django.db import transaction

from integrations.access.endpoints import get_push_endpoints
from integrations.access.fences import DisconnectedError
from integrations.coordination import leases
from integrations.coordination.leases import LeaseLost
from integrations.models import WatchKind
from integrations.providers import errors
from integrations.providers.push import CalendarWatch, RemoteChannel, WebhookChannel
from limited_use.sinks import provider_sink as own_provider
from limited_use.sinks.provider_sink import ProviderOutlet
from limited_use.vault.data_keys import KeyDestroyed

from . import blind_lookup, desired_watches, push_mechanisms
from .watch_worker import WatchTurn
from .watched_resources import CALENDAR_LIST

# The provider may grant less.
LIFETIME: Final = timedelta(days=7)


def open_watch(turn: WatchTurn) -> None:
    """Delete the row if its resource no longer exists."""
    provider = turn.provider
    if provider.watch_calendars is None:
        raise LookupError("this provider opens no channels")
    access = turn.get_access()
    target = find_watched_resource(turn, access)
    if target is None:
        leases.delete_row(turn.lease)
        return
    hook = announce_channel(turn, lasts=LIFETIME)
    with provider.watch_calendars(access) as channels:
        opened = turn.call_provider(access, 0, lambda: _request_channel(channels, target, hook))
        stop_opened = partial(channels.stop_channel, hook.channel_id, opened.resource_id)
        save_opened_channel(turn, hook, opened, stop_opened=stop_opened)


def find_watched_resource(turn: WatchTurn, to: ProviderOutlet) -> str | None:
    """
    Return None if the resource no longer exists.

    :param to: outlet of the call that opens the channel
    """
    mechanism = push_mechanisms.get_push_mechanism(
        turn.watch.integration.product, turn.provider.key
    )
    if mechanism is None or mechanism.find_target is None:
        raise LookupError("nothing that a channel is opened for")
    return mechanism.find_target(turn.watch, to, turn.clock())


def announce_channel(turn: WatchTurn, *, lasts: timedelta) -> WebhookChannel:
    """
    The row is written first: the first call may arrive before the provider's response.

    Each try has a new id: calls of a channel that an earlier try may have opened are dropped.
    """
    channel_id = blind_lookup.make_channel_id()
    turn.save_values(
        lookup_blind=blind_lookup.blind_channel(channel_id),
        resource_blind=None,
        channel=turn.seal_channel(json.dumps({"id": channel_id})),
    )
    return WebhookChannel(
        channel_id,
        token=blind_lookup.derive_token(channel_id),
        address=get_push_endpoints(turn.provider.key).webhook_url,
        ends_at=turn.clock() + lasts,
    )


def save_opened_channel(
    turn: WatchTurn,
    hook: WebhookChannel,
    opened: RemoteChannel,
    *,
    stop_opened: Callable[[], bool],
    has_notified: bool = False,
) -> None:
    """
    :param stop_opened: stops the channel with the current token, for an integration that has just
        ended and has no row to stop it by
    :param has_notified: the provider called before it responded
    """
    channel_json = json.dumps({"id": hook.channel_id, "resource_id": opened.resource_id})
    resource_blind = blind_lookup.blind_resource(hook.channel_id, opened.resource_id)
    try:
        turn.mark_started(
            opened.ends_at,
            has_notified=has_notified,
            resource_blind=resource_blind,
            channel=turn.seal_channel(channel_json),
        )
    except (DisconnectedError, KeyDestroyed, LeaseLost):
        try:
            stop_opened()
        except (errors.ProviderError, DisconnectedError):
            with suppress(KeyDestroyed, LeaseLost):
                turn.leave_to_purge(
                    channel_json, resource_blind=resource_blind, expires_at=opened.ends_at
                )
        raise


def _request_channel(channels: CalendarWatch, target: str, hook: WebhookChannel) -> RemoteChannel:
    if target == CALENDAR_LIST:
        return channels.watch_calendar_list(hook)
    return channels.watch_calendar(target, hook)


def replace_channel(turn: WatchTurn) -> None:
    """
    Keep this channel until the second is live. An expired one is deleted; a poll finds missed
    changes.
    """
    watch = turn.watch
    with transaction.atomic(durable=True):
        turn.hold_fence()
        desired_watches.insert_watch(
            integration=watch.integration,
            resource=watch.resource,
            kind=WatchKind.CHANNEL,
            at=turn.clock(),
        )
        if watch.expires_at is not None and watch.expires_at > turn.clock():
            leases.release(turn.lease, due_at=watch.expires_at)
        else:
            leases.delete_row(turn.lease)


def stop_channel(turn: WatchTurn) -> None:
    """Do nothing if the provider never returned its id."""
    opened, provider = read_channel_ids(turn), turn.provider
    if opened is None or provider.watch_calendars is None:
        return
    access = turn.get_access()
    with provider.watch_calendars(access) as channels:
        turn.call_provider(access, 0, lambda: channels.stop_channel(*opened))


def read_channel_ids(turn: WatchTurn) -> tuple[str, str] | None:
    """Return (our id, the provider's), or None if the provider never returned one."""
    sealed = turn.watch.channel
    if sealed is None or turn.watch.resource_blind is None:
        return None
    to = turn.watch.connection_id
    opened = json.loads(
        own_provider.open_credential(sealed, turn.get_channel_permit(), to=to, at=turn.clock())
    )
    return opened["id"], opened["resource_id"]
