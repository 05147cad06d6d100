"""What a failed turn means for its command."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

from django.db import transaction

from integrations.coordination import leases
from integrations.coordination.leases import Lease
from integrations.grants import provider_alerts
from integrations.models import OutboxCommand, OutboxProblem, OutboxState
from integrations.notifications import notice_delivery
from integrations.providers import errors

from . import notices

#: How long a message is tried while the provider cannot be asked, or refuses by its limits.
TRY_FOR: Final = timedelta(hours=1)
TRY_WHEN_LIMITED_FOR: Final = timedelta(hours=6)
_FIRST_PAUSE: Final = timedelta(seconds=5)
_LONGEST_PAUSE: Final = timedelta(minutes=5)
# The provider's words for a recipient that it does not accept.
_RECIPIENT_REASONS: Final = frozenset({"address", "recipients", "errorinvalidrecipients"})
#: The chosen sender is not among the account's addresses.
SENDER_REASON: Final = "sender"
_SIZE_REASONS: Final = frozenset({"too-large", "errormessagesizeexceeded"})

_PROBLEMS: Final[tuple[tuple[type[errors.ProviderError], OutboxProblem], ...]] = (
    (errors.RateLimited, OutboxProblem.RATE_LIMITED),
    (errors.ScopeMissing, OutboxProblem.SCOPE_MISSING),
    (errors.AdminBlocked, OutboxProblem.ADMIN_BLOCKED),
    (errors.GrantRevoked, OutboxProblem.GRANT_ENDED),
    (errors.Gone, OutboxProblem.SOURCE_GONE),
    (errors.Unavailable, OutboxProblem.UNAVAILABLE),
    # Not the message is refused: our registration, or a token that was renewed just before.
    (errors.InvalidClient, OutboxProblem.UNAVAILABLE),
    (errors.TokenRejected, OutboxProblem.UNAVAILABLE),
)
# The outbox tries again.
_PASSING: Final = frozenset({OutboxProblem.RATE_LIMITED, OutboxProblem.UNAVAILABLE})


def name_problem(error: errors.ProviderError) -> OutboxProblem:
    for error_class, problem in _PROBLEMS:
        if isinstance(error, error_class):
            return problem
    if error.reason in _SIZE_REASONS:
        return OutboxProblem.TOO_LARGE
    if error.reason == SENDER_REASON:
        return OutboxProblem.SENDER_REJECTED
    if error.reason in _RECIPIENT_REASONS:
        return OutboxProblem.RECIPIENT_REJECTED
    if isinstance(error, errors.Unexpected) and error.status != HTTPStatus.BAD_REQUEST:
        return OutboxProblem.UNAVAILABLE
    return OutboxProblem.REJECTED


def alert_operator(command: OutboxCommand, error: errors.ProviderError, *, at: datetime) -> None:
    """Raise an alarm if the error is ours: a refused registration, or an unknown answer."""
    provider = command.integration.connection.provider
    provider_alerts.alert_on_error(error, provider=provider, at=at)


def handle_error(
    lease: Lease, command: OutboxCommand, error: errors.ProviderError, *, at: datetime
) -> None:
    """Try again later if that can help, for a bounded time."""
    alert_operator(command, error, at=at)
    if will_try_again(command, error, at=at):
        since = command.failing_since or at
        pause = _compute_pause(at - since, error)
        leases.release(lease, failing_since=since, due_at=at + pause)
        return
    # An unknown outcome is that of a draft: nothing was sent.
    is_unknown = isinstance(error, errors.OutcomeUnknown)
    problem = OutboxProblem.UNAVAILABLE if is_unknown else name_problem(error)
    settle_failure(lease, command, problem, at=at)


def will_try_again(command: OutboxCommand, error: errors.ProviderError, *, at: datetime) -> bool:
    """Return whether `handle_error` leaves the command open."""
    problem = name_problem(error)
    if problem not in _PASSING and not isinstance(error, errors.OutcomeUnknown):
        return False
    limit = TRY_WHEN_LIMITED_FOR if problem == OutboxProblem.RATE_LIMITED else TRY_FOR
    return at - (command.failing_since or at) < limit


def postpone(lease: Lease, wait: Exception, *, at: datetime) -> None:
    """The quota or the key store is not free: neither the message nor its provider is at fault."""
    seconds = getattr(wait, "wait", _FIRST_PAUSE.total_seconds())
    leases.release(lease, due_at=at + timedelta(seconds=seconds))


def settle_failure(
    lease: Lease, command: OutboxCommand, problem: OutboxProblem, *, at: datetime
) -> None:
    """A message that the provider was asked to send is unknown, any other has failed."""
    is_sending = command.state == OutboxState.SENDING
    values = make_settled_values(
        OutboxState.UNKNOWN if is_sending else OutboxState.FAILED, problem, at=at
    )
    with transaction.atomic(durable=True):
        leases.release(lease, **values)
        notify_owner(command, values, at=at)


def make_settled_values(state: OutboxState, problem: str, *, at: datetime) -> dict[str, Any]:
    """Return the columns of a command that no worker works on any more."""
    return {"state": state, "problem": problem, "due_at": None, "changed_at": at}


def notify_owner(command: OutboxCommand, values: Mapping[str, Any], *, at: datetime) -> None:
    """
    Call in the transaction that saves `values`. What the owner stopped is no news, and an owed
    notice that was not sent goes to another channel.

    :param values: of `make_settled_values`
    """
    for name, value in values.items():
        setattr(command, name, value)
    if command.state == OutboxState.FAILED:
        notice_delivery.redeliver_owed_notices([command.notice_id])
    if command.problem != OutboxProblem.STOPPED:
        notices.notify_of_problem(command, at=at)


def record_crash(lease: Lease, command: OutboxCommand, *, at: datetime) -> None:
    """`dispatch` settles the command after some crashes in a row."""
    leases.release(
        lease,
        crash_count=command.crash_count + 1,
        due_at=at + _get_pause(command.crash_count),
    )


def _compute_pause(failing_for: timedelta, error: errors.ProviderError) -> timedelta:
    pause = max(_FIRST_PAUSE, min(failing_for / 2, _LONGEST_PAUSE))
    return max(pause, timedelta(seconds=error.retry_after or 0))


def _get_pause(crash_count: int) -> timedelta:
    pause: timedelta = min(_FIRST_PAUSE * 2**crash_count, _LONGEST_PAUSE)
    return pause
