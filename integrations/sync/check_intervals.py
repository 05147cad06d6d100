"""How far apart checks for news of a mailbox are, and why. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from django.conf import settings

from integrations.push.watch_health import WatchHealth

#: For so long after a look, a mailbox is checked at the usual interval.
USUAL_FOR: Final = timedelta(hours=1)
#: Later, the time between checks is the time since the last look, divided by this number.
IDLE_DIVISOR: Final = 20


class IntervalReason(StrEnum):
    """Why checks are that far apart."""

    USUAL = "usual"
    # The provider tells of news by itself.
    TOLD = "told"
    # Nobody has looked for long.
    NOT_LOOKED_AT = "not_looked_at"


@dataclass(frozen=True, slots=True)
class CheckInterval:
    """
    :param seconds: from one check to the next
    :param looked_at: the last look that is known; if there was none, when mail was switched on
    """

    seconds: int
    reason: IntervalReason
    looked_at: datetime


def get_interval(
    *, watch: WatchHealth | None, looked_at: datetime | None, began_at: datetime, at: datetime
) -> CheckInterval:
    """
    Return how far apart the checks of a mailbox are now.

    :param looked_at: when its owner or a feature last looked at it; None: not yet
    :param began_at: when it was switched on
    """
    looked_at = looked_at or began_at
    usual = settings.SYNC_INTERVAL_SECONDS
    if watch is not None and watch.is_trusted(at):
        return CheckInterval(max(usual, settings.PUSH_POLL_SECONDS), IntervalReason.TOLD, looked_at)
    seconds = get_idle_seconds(at - looked_at)
    reason = IntervalReason.USUAL if seconds == usual else IntervalReason.NOT_LOOKED_AT
    return CheckInterval(seconds, reason, looked_at)


def get_idle_seconds(since: timedelta) -> int:
    """Return the seconds between checks without push, by the time since the last look."""
    usual: int = settings.SYNC_INTERVAL_SECONDS
    if since <= USUAL_FOR:
        return usual
    seconds = int(since.total_seconds()) // IDLE_DIVISOR
    # A multiple of the usual interval, so that pages name a plain number.
    return max(usual, min(seconds - seconds % usual, settings.SYNC_LONGEST_INTERVAL_SECONDS))
