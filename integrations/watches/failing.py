"""What went wrong with a watch → when to come back, and who is told: one table."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from integrations import alarms
from integrations.providers import errors

from . import claims, pauses

if TYPE_CHECKING:
    from .turns import Turn

logger = logging.getLogger(__name__)

_DAY: Final = timedelta(days=1)

# Waiting mends none of these, and asking often would be a storm.
_LASTING: Final = (errors.MailboxMissing, errors.ScopeMissing, errors.AdminBlocked, errors.Gone)
# Ours to mend; the operator is told, and nobody's state changes.
_OURS: Final = (errors.InvalidClient, errors.Unexpected)


def record(turn: Turn, error: errors.ProviderError) -> None:
    """Give the row back until it is worth another try."""
    at, watch = turn.clock(), turn.watch
    wait = pause(error, watch.failure_count)
    alarms.of_provider(error, provider=watch.connection.provider, at=at)
    logger.warning(
        "watch.failed",
        extra={
            **turn.about,
            "error": type(error).__name__,
            "reason": error.reason,
            "next_try_at": at + wait,
        },
    )
    try:
        claims.release(turn.claim, due_at=at + wait, failure_count=watch.failure_count + 1)
    except claims.LeaseLost:
        return


def pause(error: errors.ProviderError, failure_count: int) -> timedelta:
    """Return for how long to leave a watch alone that failed so often before."""
    if isinstance(error, _LASTING):
        return _DAY
    if isinstance(error, _OURS):
        return pauses.LONGEST
    return max(pauses.backing_off(failure_count), timedelta(seconds=error.retry_after or 0))
