"""Gmail's watch: over Pub/Sub, renewed in place, one per account and project."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from integrations.access.endpoints import get_push_endpoints

from . import blind_lookup, shared_watches
from .watch_worker import WatchTurn

# Google drops a watch after seven days, and recommends a daily renewal.
DAILY: Final = timedelta(hours=24)


def start_watch(turn: WatchTurn) -> None:
    provider, topic = turn.provider, get_push_endpoints(turn.provider.key).topic
    if provider.watch_mail is None or provider.mail_units is None:
        raise LookupError("this provider has no mail to watch")
    units, access = provider.mail_units, turn.get_access()
    with provider.watch_mail(access) as watch:
        # The account may have been renamed.
        address = turn.call_provider(access, units.profile, watch.get_address)
        blind = blind_lookup.blind_mailbox(provider.key, address)
        # Notifications name the address: those with a new address found no watch.
        is_new = turn.watch.lookup_blind is None or bytes(turn.watch.lookup_blind) != blind
        if is_new:
            # Before the call: the first notification may precede the response.
            turn.save_values(lookup_blind=blind)
        ends_at = turn.call_provider(access, units.watch, lambda: watch.start_watch(topic))
    turn.mark_started(ends_at, renew_within=DAILY, follows_gap=is_new)


def stop_watch(turn: WatchTurn) -> None:
    """Stop the watch, unless another connection of the same account needs it."""
    provider = turn.provider
    if provider.watch_mail is None or provider.mail_units is None:
        return
    if shared_watches.needs_mailbox_watch(turn.watch.integration):
        return
    access = turn.get_access()
    with provider.watch_mail(access) as watch:
        turn.call_provider(access, provider.mail_units.stop, watch.stop_watch)
