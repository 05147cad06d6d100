"""The interval between polls of a mailbox, and its reason. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from django.conf import settings

from integrations.push.watch_health import WatchHealth

#: For this long after a view, a mailbox is polled at the usual interval.
USUAL_FOR: Final = timedelta(hours=1)
#: Later, the interval is the time since the last view, divided by this number.
IDLE_DIVISOR: Final = 20


class IntervalReason(StrEnum):
    USUAL = "usual"
    # Push notifications arrive.
    TOLD = "told"
    # The last view was long ago.
    NOT_LOOKED_AT = "not_looked_at"


@dataclass(frozen=True, slots=True)
class PollInterval:
    """
    :param seconds: between two polls
    :param looked_at: last view of the mailbox; without one, when mail was switched on
    """

    seconds: int
    reason: IntervalReason
    looked_at: datetime


def get_poll_interval(
    *, watch: WatchHealth | None, looked_at: datetime | None, began_at: datetime, at: datetime
) -> PollInterval:
    """
    Return the current interval between polls.

    :param looked_at: last view by the owner or a feature; None: not viewed yet
    :param began_at: when mail was switched on
    """
    looked_at = looked_at or began_at
    usual = settings.SYNC_INTERVAL_SECONDS
    if watch is not None and watch.is_trusted(at):
        return PollInterval(max(usual, settings.PUSH_POLL_SECONDS), IntervalReason.TOLD, looked_at)
    seconds = get_idle_seconds(at - looked_at)
    reason = IntervalReason.USUAL if seconds == usual else IntervalReason.NOT_LOOKED_AT
    return PollInterval(seconds, reason, looked_at)


def get_idle_seconds(since: timedelta) -> int:
    usual: int = settings.SYNC_INTERVAL_SECONDS
    if since <= USUAL_FOR:
        return usual
    seconds = int(since.total_seconds()) // IDLE_DIVISOR
    # A multiple of the usual interval, so that pages show a round number.
    return max(usual, min(seconds - seconds % usual, settings.SYNC_LONGEST_INTERVAL_SECONDS))
