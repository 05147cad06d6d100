"""A mailbox's watch: through a topic, renewed in place, one for all who connected the account."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from integrations.access.endpoints import news

from . import blind_lookup, shared_watches
from .watch_worker import Turn

# Google forgets one after seven days, and asks to be reminded daily.
DAILY: Final = timedelta(hours=24)


def start(turn: Turn) -> None:
    """Start the watch, or renew it."""
    provider, topic = turn.provider, news(turn.provider.key).topic
    if provider.watch_mail is None or provider.mail_units is None:
        raise LookupError("this provider has no mail to watch")
    units, access = provider.mail_units, turn.access()
    with provider.watch_mail(access) as watch:
        # As the provider writes it now: an account may have been renamed.
        address = turn.call(access, units.profile, watch.address)
        blind = blind_lookup.of_mailbox(provider.key, address)
        # Notifications name the mailbox by its address: none was found while it was another one.
        is_new = turn.watch.lookup_blind is None or bytes(turn.watch.lookup_blind) != blind
        if is_new:
            # Before the provider is asked: what it tells first may come before its answer.
            turn.save(lookup_blind=blind)
        ends_at = turn.call(access, units.watch, lambda: watch.start(topic))
    turn.started(ends_at, renew_within=DAILY, follows_gap=is_new)


def stop(turn: Turn) -> None:
    """Stop the watch, unless somebody else goes by it."""
    provider = turn.provider
    if provider.watch_mail is None or provider.mail_units is None:
        return
    if shared_watches.needs_mailbox_watch(turn.watch.integration):
        return
    access = turn.access()
    with provider.watch_mail(access) as watch:
        turn.call(access, provider.mail_units.stop, watch.stop)
