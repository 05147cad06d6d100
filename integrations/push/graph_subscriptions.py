"""
Subscriptions by which a provider calls us, each of one thing, and renewed where it stands.

If a renewal shows that one has ended, another is opened and the sync of its resource is due.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Final

from integrations.coordination import leases
from integrations.providers import errors
from integrations.providers.provider import Provider
from integrations.providers.push import Hook, Opened, Subscriptions

from . import google_channels
from .watch_worker import Turn
from .watched_resources import THE_MAILBOX

# Microsoft keeps them for a week at most, by its own clock.
LASTS: Final = timedelta(days=6, hours=20)


def is_way_of(provider: Provider) -> bool:
    return provider.subscriptions is not None


def open_(turn: Turn) -> None:
    """Open one for what the row is about; forget the row, if that is not there any more."""
    access = turn.access()
    target = google_channels.target_of(turn, access)
    if target is None or turn.provider.subscriptions is None:
        leases.delete_row(turn.lease)
        return
    hook = google_channels.announced(turn, lasts=LASTS)
    with turn.provider.subscriptions(access) as there:
        opened = turn.call(access, 0, lambda: _asked(there, target, hook))
        end = partial(there.stop, opened.resource_id)
        # It tried our address before it answered: its first word, and maybe the last for days.
        google_channels.answered(turn, hook, opened, take_back=end, is_heard=True)


def _asked(there: Subscriptions, target: str, hook: Hook) -> Opened:
    if target == THE_MAILBOX:
        return there.open_mailbox(hook)
    return there.open_calendar(target, hook)


def renew(turn: Turn) -> None:
    """Renew the subscription; if it has ended, open another."""
    named, provider = google_channels.named(turn), turn.provider
    if named is not None and provider.subscriptions is not None:
        access = turn.access()
        ends_at = turn.clock() + LASTS
        with provider.subscriptions(access) as there:
            try:
                until = turn.call(access, 0, lambda: there.renew(named[1], ends_at=ends_at))
            except errors.Gone:
                pass
            else:
                turn.started(until)
                return
    turn.has_ended()
    open_(turn)


def stop(turn: Turn) -> None:
    """End it; one that the provider never answered about ends by itself."""
    named, provider = google_channels.named(turn), turn.provider
    if named is None or provider.subscriptions is None:
        return
    access = turn.access()
    with provider.subscriptions(access) as there:
        turn.call(access, 0, lambda: there.stop(named[1]))
