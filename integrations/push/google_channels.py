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

from integrations.access.endpoints import news
from integrations.access.fences import NoLongerLive
from integrations.coordination import leases
from integrations.coordination.leases import LeaseLost
from integrations.models import WatchKind
from integrations.providers import errors
from integrations.providers.push import CalendarWatch, Hook, Opened
from limited_use.sinks import provider as own_provider
from limited_use.sinks.provider import Outlet
from limited_use.vault.keys import Destroyed

from . import blind_lookup, desired_state, mechanisms
from .watch_worker import Turn
from .watched_resources import THE_LIST

# They are asked for so long; who gives them for less is taken at their word.
LASTS: Final = timedelta(days=7)


def open_(turn: Turn) -> None:
    """Open a channel for what the row is about; forget the row, if that is not there any more."""
    provider = turn.provider
    if provider.watch_calendars is None:
        raise LookupError("this provider opens no channels")
    access = turn.access()
    target = target_of(turn, access)
    if target is None:
        leases.delete_row(turn.lease)
        return
    hook = announced(turn, lasts=LASTS)
    with provider.watch_calendars(access) as channels:
        opened = turn.call(access, 0, lambda: _asked(channels, target, hook))
        end = partial(channels.stop, hook.channel_id, opened.resource_id)
        answered(turn, hook, opened, take_back=end)


def target_of(turn: Turn, to: Outlet) -> str | None:
    """
    Return what the provider calls what the row is about; None if that is not there any more.

    :param to: of what will open the channel
    """
    way = mechanisms.of(turn.watch.integration.product, turn.provider.key)
    if way is None or way.target is None:
        raise LookupError("nothing that a channel is opened for")
    return way.target(turn.watch, to, turn.clock())


def announced(turn: Turn, *, lasts: timedelta) -> Hook:
    """
    Return a channel of ours that a provider may be asked to call.

    A new id each time: what an earlier try may have opened is dropped when it calls, and ends by
    itself. Written down first: its first call may come before the answer.
    """
    channel_id = blind_lookup.new_channel()
    turn.save(
        lookup_blind=blind_lookup.of_channel(channel_id),
        resource_blind=None,
        channel=turn.sealed(json.dumps({"id": channel_id})),
    )
    return Hook(
        channel_id,
        token=blind_lookup.token_of(channel_id),
        address=news(turn.provider.key).hook,
        ends_at=turn.clock() + lasts,
    )


def answered(
    turn: Turn,
    hook: Hook,
    opened: Opened,
    *,
    take_back: Callable[[], bool],
    is_heard: bool = False,
) -> None:
    """
    Write that the provider opened it, and give the row back.

    :param take_back: stops it, by the token in hand: what ended meanwhile has no row to stop it by
    :param is_heard: whether it called us before it answered
    """
    named = json.dumps({"id": hook.channel_id, "resource_id": opened.resource_id})
    resource_blind = blind_lookup.of_resource(hook.channel_id, opened.resource_id)
    try:
        turn.started(
            opened.ends_at,
            is_heard=is_heard,
            resource_blind=resource_blind,
            channel=turn.sealed(named),
        )
    except (NoLongerLive, Destroyed, LeaseLost):
        try:
            take_back()
        except (errors.ProviderError, NoLongerLive):
            with suppress(Destroyed, LeaseLost):
                turn.leave_to_purge(named, resource_blind=resource_blind, expires_at=opened.ends_at)
        raise


def _asked(channels: CalendarWatch, target: str, hook: Hook) -> Opened:
    if target == THE_LIST:
        return channels.open_list(hook)
    return channels.open_calendar(target, hook)


def follow(turn: Turn) -> None:
    """
    Want another channel beside this one, which stays until that one stands.

    One that came to its end before is forgotten; what it did not tell is found by asking.
    """
    watch = turn.watch
    with transaction.atomic(durable=True):
        turn.hold()
        desired_state.insert(
            integration=watch.integration,
            resource=watch.resource,
            kind=WatchKind.CHANNEL,
            at=turn.clock(),
        )
        if watch.expires_at is not None and watch.expires_at > turn.clock():
            leases.release(turn.lease, due_at=watch.expires_at)
        else:
            leases.delete_row(turn.lease)


def stop(turn: Turn) -> None:
    """Stop the channel, by its two ids; one that the provider never answered about has but one."""
    opened, provider = named(turn), turn.provider
    if opened is None or provider.watch_calendars is None:
        return
    access = turn.access()
    with provider.watch_calendars(access) as channels:
        turn.call(access, 0, lambda: channels.stop(*opened))


def named(turn: Turn) -> tuple[str, str] | None:
    """Return our id of a channel and the provider's; None if it never answered about it."""
    sealed = turn.watch.channel
    if sealed is None or turn.watch.resource_blind is None:
        return None
    to = turn.watch.connection_id
    opened = json.loads(own_provider.credential(sealed, turn.permit(), to=to, at=turn.clock()))
    return opened["id"], opened["resource_id"]
