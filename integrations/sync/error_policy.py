"""What went wrong in a run → what is said of it, and when to come back: one table."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from integrations.models import StatusReason
from integrations.providers import errors

from .work_leases import LONGEST_PAUSE, compute_backoff

HOUR = 3600.0
DAY = 24 * HOUR
# One refusal is no proof that a permission is gone: the provider is asked again after so many
# seconds each, with a new token, before anybody is told.
DENIAL_PAUSES: Final = (30.0, 60.0, 120.0)


@dataclass(frozen=True, slots=True)
class FailureHandling:
    """
    :param reason: what the owner reads, once it has lasted
    :param wait: seconds until the next try; None backs off with every failure
    :param parks: nobody calls for the mailbox until then
    """

    reason: StatusReason
    wait: float | None = None
    pauses_connection: bool = False

    def compute_wait(self, error: errors.ProviderError, failure_count: int) -> float:
        backing_off = compute_backoff(failure_count) if self.wait is None else self.wait
        return max(backing_off, error.retry_after or 0.0)


# The most particular first: what an error is an instance of decides.
HANDLING_BY_ERROR: tuple[tuple[type[errors.ProviderError], FailureHandling], ...] = (
    (errors.RateLimited, FailureHandling(StatusReason.RATE_LIMITED, pauses_connection=True)),
    (errors.Unavailable, FailureHandling(StatusReason.PROVIDER_UNAVAILABLE)),
    # After a refresh: not a question of tokens, and not the provider's word that the grant is gone.
    (errors.TokenRejected, FailureHandling(StatusReason.PROVIDER_UNAVAILABLE)),
    # Ours to mend, with the operator alarmed; nobody is asked to reconnect.
    (errors.InvalidClient, FailureHandling(StatusReason.APP_MISCONFIGURED)),
    # Waiting mends none of these, and asking often would be a storm.
    (errors.MailboxMissing, FailureHandling(StatusReason.MAILBOX_NOT_PROVISIONED, wait=DAY)),
    (errors.ScopeMissing, FailureHandling(StatusReason.SCOPE_MISSING, wait=HOUR)),
    (errors.AdminBlocked, FailureHandling(StatusReason.SCOPE_MISSING, wait=HOUR)),
    (errors.ProviderError, FailureHandling(StatusReason.UNEXPECTED, wait=LONGEST_PAUSE)),
)


def is_denial(error: errors.ProviderError) -> bool:
    """Return whether the provider refused the call, as it does for want of a permission."""
    if isinstance(error, errors.Unexpected):
        return error.status == HTTPStatus.FORBIDDEN
    return isinstance(error, (errors.ScopeMissing, errors.AdminBlocked))


def get_denial_handling(denial_count: int) -> FailureHandling | None:
    """
    Return what follows from a refusal that proves nothing yet; None after enough repetitions.

    :param denial_count: how often the work has been refused since its last success
    """
    if denial_count > len(DENIAL_PAUSES):
        return None
    return FailureHandling(StatusReason.PROVIDER_UNAVAILABLE, wait=DENIAL_PAUSES[denial_count - 1])


def get_handling(error: errors.ProviderError) -> FailureHandling:
    """Return what follows from `error`."""
    return next(handling for kind, handling in HANDLING_BY_ERROR if isinstance(error, kind))
