"""How the sync handles each provider error: the owner's reason, and the wait."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from integrations.models import StatusReason
from integrations.providers import errors

from .work_leases import LONGEST_PAUSE, compute_backoff

HOUR = 3600.0
DAY = 24 * HOUR
# One refusal does not prove a missing permission. Seconds before each retry with a new token,
# before the owner is notified.
DENIAL_PAUSES: Final = (30.0, 60.0, 120.0)


@dataclass(frozen=True, slots=True)
class SyncFailureHandling:
    """
    :param reason: shown to the owner if the failure lasts
    :param wait: seconds until the next try; None: exponential backoff
    :param pauses_connection: whether all calls for the mailbox wait as well
    """

    reason: StatusReason
    wait: float | None = None
    pauses_connection: bool = False

    def compute_wait(self, error: errors.ProviderError, failure_count: int) -> float:
        backing_off = compute_backoff(failure_count) if self.wait is None else self.wait
        return max(backing_off, error.retry_after or 0.0)


# The most specific class first: the first match decides.
HANDLING_BY_ERROR: tuple[tuple[type[errors.ProviderError], SyncFailureHandling], ...] = (
    (errors.RateLimited, SyncFailureHandling(StatusReason.RATE_LIMITED, pauses_connection=True)),
    (errors.Unavailable, SyncFailureHandling(StatusReason.PROVIDER_UNAVAILABLE)),
    # Refused after a refresh: the token is not at fault, and the provider did not say that the
    # grant ended.
    (errors.TokenRejected, SyncFailureHandling(StatusReason.PROVIDER_UNAVAILABLE)),
    # Our own error: the operator is alerted, and no owner is asked to reconnect.
    (errors.InvalidClient, SyncFailureHandling(StatusReason.APP_MISCONFIGURED)),
    # Waiting repairs none of these, and frequent tries would be a storm.
    (errors.MailboxMissing, SyncFailureHandling(StatusReason.MAILBOX_NOT_PROVISIONED, wait=DAY)),
    (errors.ScopeMissing, SyncFailureHandling(StatusReason.SCOPE_MISSING, wait=HOUR)),
    (errors.AdminBlocked, SyncFailureHandling(StatusReason.SCOPE_MISSING, wait=HOUR)),
    (errors.ProviderError, SyncFailureHandling(StatusReason.UNEXPECTED, wait=LONGEST_PAUSE)),
)


def is_provider_denial(error: errors.ProviderError) -> bool:
    if isinstance(error, errors.Unexpected):
        return error.status == HTTPStatus.FORBIDDEN
    return isinstance(error, (errors.ScopeMissing, errors.AdminBlocked))


def get_denial_handling(denial_count: int) -> SyncFailureHandling | None:
    """
    Handle refusals that prove nothing yet; return None after enough repetitions.

    :param denial_count: refusals since the work's last success
    """
    if denial_count > len(DENIAL_PAUSES):
        return None
    return SyncFailureHandling(
        StatusReason.PROVIDER_UNAVAILABLE, wait=DENIAL_PAUSES[denial_count - 1]
    )


def get_sync_error_handling(error: errors.ProviderError) -> SyncFailureHandling:
    return next(handling for kind, handling in HANDLING_BY_ERROR if isinstance(error, kind))
