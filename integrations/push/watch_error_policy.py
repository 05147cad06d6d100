"""How a watch handles each provider error: the wait, and the alarm."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from integrations.coordination import leases
from integrations.grants import provider_alerts
from integrations.models import WatchStatus
from integrations.providers import errors

from . import retry_backoff, webhook_alarm

if TYPE_CHECKING:
    from .watch_worker import WatchTurn

logger = logging.getLogger(__name__)

_DAY: Final = timedelta(days=1)
# Our address may be unreachable for seconds, for example during a deployment. After an operator's
# repair, the wait is short as well.
_SOON: Final = timedelta(seconds=10)
_OFTEN: Final = timedelta(minutes=10)

# Waiting repairs none of these, and frequent tries would be a storm.
_LASTING: Final = (errors.MailboxMissing, errors.Gone)
# Our own errors: the operator is alerted, and no user's status changes.
_OURS: Final = (errors.InvalidClient, errors.Unexpected)


def record_failure(turn: WatchTurn, error: errors.ProviderError) -> None:
    at, watch = turn.clock(), turn.watch
    provider = watch.connection.provider
    is_webhook = isinstance(error, errors.WebhookRejected)
    rejected_count = watch.rejected_count + 1 if is_webhook else 0
    wait = compute_watch_pause(error, watch.rejected_count if is_webhook else watch.failure_count)
    provider_alerts.alert_on_error(error, provider=provider, at=at)
    webhook_alarm.report_rejections(rejected_count, provider=provider, at=at)
    logger.warning(
        "watch.failed",
        extra={
            **turn.log_fields,
            "error": type(error).__name__,
            "reason": error.reason,
            "next_try_at": at + wait,
        },
    )
    values: dict[str, Any] = {}
    if watch.status == WatchStatus.WANTED and not isinstance(error, errors.OutcomeUnknown):
        # The provider has opened no channel, so none has to be stopped.
        values = {"channel": None, "resource_blind": None}
    try:
        leases.release(
            turn.lease,
            due_at=at + wait,
            failure_count=watch.failure_count + 1,
            rejected_count=rejected_count,
            **values,
        )
    except leases.LeaseLost:
        return


def compute_watch_pause(error: errors.ProviderError, failure_count: int) -> timedelta:
    """
    Retry a refusal (403) like an outage: one refusal proves nothing, and the sync detects a
    missing permission.
    """
    if isinstance(error, errors.WebhookRejected):
        return retry_backoff.compute_backoff(failure_count, first=_SOON, longest=_OFTEN)
    if isinstance(error, _LASTING):
        return _DAY
    if isinstance(error, _OURS):
        return retry_backoff.LONGEST
    return max(
        retry_backoff.compute_backoff(failure_count), timedelta(seconds=error.retry_after or 0)
    )
