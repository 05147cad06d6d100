"""
Channels by which a provider calls us, one for each thing. `graph_subscriptions` is about those it
renews.

A channel cannot be renewed: another is opened beside it, and it is stopped only when that one
stands, so that nothing falls between them; what both tell is one hint.
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
from limited_use.sinks import provider as own_provider
from limited_use.sinks.provider import ProviderOutlet
from limited_use.vault.keys import KeyDestroyed

from . import blind_lookup, desired_state, mechanisms
from .watch_worker import WatchTurn
from .watched_resources import CALENDAR_LIST

# They are asked for so long; who gives them for less is taken at their word.
LIFETIME: Final = timedelta(days=7)


def open_watch(turn: WatchTurn) -> None:
    """Open a channel for what the row is about; forget the row, if that is not there any more."""
    provider = turn.provider
    if provider.watch_calendars is None:
        raise LookupError("this provider opens no channels")
    access = turn.get_access()
    target = find_target(turn, access)
    if target is None:
        leases.delete_row(turn.lease)
        return
    hook = announce_channel(turn, lasts=LIFETIME)
    with provider.watch_calendars(access) as channels:
        opened = turn.call_provider(access, 0, lambda: _request_channel(channels, target, hook))
        stop_opened = partial(channels.stop_channel, hook.channel_id, opened.resource_id)
        save_opened_channel(turn, hook, opened, stop_opened=stop_opened)


def find_target(turn: WatchTurn, to: ProviderOutlet) -> str | None:
    """
    Return what the provider calls what the row is about; None if that is not there any more.

    :param to: of what will open the channel
    """
    mechanism = mechanisms.get_mechanism(turn.watch.integration.product, turn.provider.key)
    if mechanism is None or mechanism.find_target is None:
        raise LookupError("nothing that a channel is opened for")
    return mechanism.find_target(turn.watch, to, turn.clock())


def announce_channel(turn: WatchTurn, *, lasts: timedelta) -> WebhookChannel:
    """
    Return a channel of ours that a provider may be asked to call.

    A new id each time: what an earlier try may have opened is dropped when it calls, and ends by
    itself. Written down first: its first call may come before the answer.
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
    Write that the provider opened it, and give the row back.

    :param take_back: stops it, by the token in hand: what ended meanwhile has no row to stop it by
    :param is_heard: whether it called us before it answered
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
    Want another channel beside this one, which stays until that one stands.

    One that came to its end before is forgotten; what it did not tell is found by asking.
    """
    watch = turn.watch
    with transaction.atomic(durable=True):
        turn.hold_fence()
        desired_state.insert_watch(
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
    """Stop the channel, by its two ids; one that the provider never answered about has but one."""
    opened, provider = read_channel_ids(turn), turn.provider
    if opened is None or provider.watch_calendars is None:
        return
    access = turn.get_access()
    with provider.watch_calendars(access) as channels:
        turn.call_provider(access, 0, lambda: channels.stop_channel(*opened))


def read_channel_ids(turn: WatchTurn) -> tuple[str, str] | None:
    """Return our id of a channel and the provider's; None if it never answered about it."""
    sealed = turn.watch.channel
    if sealed is None or turn.watch.resource_blind is None:
        return None
    to = turn.watch.connection_id
    opened = json.loads(
        own_provider.open_credential(sealed, turn.get_channel_permit(), to=to, at=turn.clock())
    )
    return opened["id"], opened["resource_id"]
