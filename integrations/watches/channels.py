"""
Channels by which a provider calls us, one for each thing.

A channel cannot be renewed: another is opened beside it, and it is stopped only when that one
stands, so that nothing falls between them; what both tell is one hint.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Final

from django.db import transaction

from integrations.endpoints import news
from integrations.models import WatchKind
from integrations.providers.pushes import CalendarWatch, Hook, Opened
from limited_use.sinks import provider as own_provider

from . import claims, lookups, wanting, ways
from .targets import THE_LIST
from .turns import Turn

# They are asked for so long; who gives them for less is taken at their word.
LASTS: Final = timedelta(days=7)


def open_(turn: Turn) -> None:
    """Open a channel for what the row is about; forget the row, if that is not there any more."""
    watch, provider = turn.watch, turn.provider
    find = ways.WAYS[watch.integration.product].target
    if provider.watch_calendars is None or find is None:
        raise LookupError("this provider opens no channels")
    target = find(watch, turn.clock())
    if target is None:
        claims.forget(turn.claim)
        return
    # A new id each time: what an earlier try may have opened is dropped when it calls, and ends
    # by itself. Written down first: its first call may come before the answer.
    channel_id = lookups.new_channel()
    turn.save(
        lookup_blind=lookups.of_channel(channel_id),
        resource_blind=None,
        channel=turn.sealed(json.dumps({"id": channel_id})),
    )
    hook = Hook(
        channel_id,
        token=lookups.token_of(channel_id),
        address=news(provider.key).hook,
        ends_at=turn.clock() + LASTS,
    )
    access = turn.access()
    with provider.watch_calendars(access) as channels:
        opened = turn.call(access, 0, lambda: _asked(channels, target, hook))
    turn.started(
        opened.ends_at,
        renew_in=(opened.ends_at - turn.clock()) / 2,
        resource_blind=lookups.of_resource(channel_id, opened.resource_id),
        channel=turn.sealed(json.dumps({"id": channel_id, "resource_id": opened.resource_id})),
    )


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
        wanting.insert(
            integration=watch.integration,
            resource=watch.resource,
            kind=WatchKind.CHANNEL,
            at=turn.clock(),
        )
        if watch.expires_at is not None and watch.expires_at > turn.clock():
            claims.release(turn.claim, due_at=watch.expires_at)
        else:
            claims.forget(turn.claim)


def stop(turn: Turn) -> None:
    """Stop the channel, by its two ids; one that the provider never answered about has but one."""
    sealed, provider = turn.watch.channel, turn.provider
    if sealed is None or turn.watch.resource_blind is None or provider.watch_calendars is None:
        return
    opened = json.loads(own_provider.credential(sealed, turn.permit(), at=turn.clock()))
    access = turn.access()
    with provider.watch_calendars(access) as channels:
        turn.call(access, 0, lambda: channels.stop(opened["id"], opened["resource_id"]))
