"""
Send commands: one worker at a time, one step per commit.

waiting → drafted: the provider stores a draft. drafted → sending: committed before the request to
send, which is sent once. sending → sent or failed: only by a look into the mailbox; without one,
unknown. The same draft is sent again only after a refusal, or if two looks, some time apart, show
it intact and nothing sent.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import F, QuerySet
from django.utils import timezone

from accounts import alarms, row_owner
from integrations.access.fences import DisconnectedError
from integrations.coordination import leases
from integrations.coordination.leases import Lease, LeaseLost
from integrations.coordination.task_queue import enqueue
from integrations.grants import access_tokens
from integrations.grants.quota_purse import ProviderCallPostponed
from integrations.models import (
    FETCHABLE,
    LIVE,
    ConnectionStatus,
    Integration,
    OutboxCommand,
    OutboxProblem,
    OutboxState,
)
from integrations.providers import errors
from limited_use import traceback_scrubber
from limited_use.guard.guard import AccessRefused
from limited_use.vault.data_keys import KeyDestroyed, KeyUnusable
from limited_use.vault.envelope import Damaged, Unopenable
from limited_use.vault.keyring.keyring_port import KeyStoreUnavailable

from . import dispatch_failures, send_looks
from .outbox_turn import CommandKind, OutboxTurn, open_turn
from .remote_state import RemoteState

logger = logging.getLogger(__name__)

# Damaged values and refusals are Unopenable, too.
_EXPECTED: Final = (
    AccessRefused,
    DisconnectedError,
    KeyDestroyed,
    KeyStoreUnavailable,
    KeyUnusable,
    ProviderCallPostponed,
    Unopenable,
    errors.ProviderError,
)
#: Longer than any request to the provider. A turn renews it between requests, and while it reads
#: files.
LEASE_TIME: Final = timedelta(minutes=5)
#: Crashes in a row after which a command is settled as failed or unknown.
MAX_CRASHES: Final = 3
#: After the undo window; an earlier command cannot have been sent before without its row saying so.
LATE_AFTER: Final = timedelta(minutes=10)
# Limit of one sweep.
_SWEEP_LIMIT: Final = 5_000


def list_due_ids(*, at: datetime) -> list[UUID]:
    """Return the longest waiting first. An expired lease counts as free: its worker is dead."""
    due = _filter_due(at).order_by("due_at")
    return list(due.values_list("id", flat=True)[:_SWEEP_LIMIT])


def dispatch_command(
    kinds: Mapping[str, CommandKind],
    command_id: UUID,
    *,
    clock: Callable[[], datetime] = timezone.now,
) -> None:
    """
    Advance the command as far as possible now. Its next turn is enqueued.

    :param kinds: by `OutboxKind`
    :raises NotClaimable:
    """
    lease, command = _claim(command_id, at=clock())
    connection = command.integration.connection
    with row_owner.acting_for(connection.user_id, connection.organisation_id):
        try:
            _run_turn(lease, command, kinds[command.kind], clock)
        except LeaseLost:
            return
    _enqueue_next(command_id, at=clock())


def _filter_due(at: datetime) -> QuerySet[OutboxCommand]:
    """A disconnected integration's rows are left to its purge: nobody settles them."""
    due = OutboxCommand.objects.filter(leases.match_unleased(at), due_at__lte=at)
    return due.filter(integration__status__in=LIVE)


def _claim(command_id: UUID, *, at: datetime) -> tuple[Lease, OutboxCommand]:
    """
    Count the claim, and an expired lease as a crash of its worker.

    :raises NotClaimable:
    """
    rows = _filter_due(at).select_related("integration__connection")
    values: dict[str, Any] = {"claim_number": F("claim_number") + 1}
    if OutboxCommand.objects.filter(id=command_id, lease_until__lte=at).exists():
        values["crash_count"] = F("crash_count") + 1
    lease, command = leases.claim_from(rows, command_id, at=at, duration=LEASE_TIME, **values)
    command.refresh_from_db(fields=["claim_number", "crash_count"])
    return lease, command


def _run_turn(
    lease: Lease, command: OutboxCommand, kind: CommandKind, clock: Callable[[], datetime]
) -> None:
    if command.crash_count >= MAX_CRASHES:
        _settle_crashed(lease, command, clock())
        return
    if not _is_reachable(command):
        dispatch_failures.settle_failure(lease, command, OutboxProblem.GRANT_ENDED, at=clock())
        return
    try:
        with open_turn(lease, command, kind, clock) as turn:
            _advance(turn)
    except LeaseLost:
        raise
    except _EXPECTED as error:
        _handle_expected(lease, command, error, clock())
    except Exception as bug:
        # Frames hold the message: no report may show it.
        traceback_scrubber.clear_frames(bug)
        logger.exception("outbox.crashed", extra=_log_fields(command))
        dispatch_failures.record_crash(lease, command, at=clock())
        raise


def _handle_expected(lease: Lease, command: OutboxCommand, error: Exception, at: datetime) -> None:
    match error:
        case AccessRefused():
            dispatch_failures.settle_failure(lease, command, OutboxProblem.STOPPED, at=at)
        case KeyStoreUnavailable() | ProviderCallPostponed():
            dispatch_failures.postpone(lease, error, at=at)
        case Damaged() | KeyUnusable():
            # No other try can open what is stored.
            traceback_scrubber.clear_frames(error)
            logger.error("outbox.crashed", exc_info=error, extra=_log_fields(command))
            _settle_crashed(lease, command, at)
        case errors.GrantRevoked():
            connection = command.integration.connection
            access_tokens.record_grant_ended(
                connection_id=connection.id, epoch=connection.epoch, at=at
            )
            dispatch_failures.settle_failure(lease, command, OutboxProblem.GRANT_ENDED, at=at)
        case errors.ProviderError():
            dispatch_failures.handle_error(lease, command, error, at=at)
        case _:
            _handle_fence(lease, command, at)


def _advance(turn: OutboxTurn) -> None:
    if turn.command.state == OutboxState.WAITING:
        _store_draft(turn)
    if turn.command.state == OutboxState.DRAFTED:
        _send_draft(turn)
    if turn.command.state == OutboxState.SENDING:
        send_looks.look(turn)


def _store_draft(turn: OutboxTurn) -> None:
    if _is_late(turn) and send_looks.settle_unless_unsent(turn):
        return
    mail = turn.kind.build_mail(turn)
    if turn.command.claim_number > 1:
        # An earlier turn may have stored one, and died before it could save its id.
        turn.call(turn.units.delete_drafts, lambda adapter: adapter.delete_drafts(turn.tag))
    try:
        draft = turn.call(turn.units.create_draft, lambda adapter: adapter.create_draft(mail))
    except errors.ProviderError as error:
        if not dispatch_failures.will_try_again(turn.command, error, at=turn.clock()):
            _delete_partial_draft(turn)
        raise
    turn.save(
        RemoteState(draft=draft),
        state=OutboxState.DRAFTED,
        changed_at=turn.clock(),
        failing_since=None,
        crash_count=0,
    )


def _delete_partial_draft(turn: OutboxTurn) -> None:
    """The text stays in the outbox; the provider may have a draft without some of its files."""
    with suppress(errors.ProviderError, ProviderCallPostponed):
        turn.call(turn.units.delete_drafts, lambda adapter: adapter.delete_drafts(turn.tag))


def _is_late(turn: OutboxTurn) -> bool:
    """
    Return whether the row may be older than the mailbox: workers were down, or the database was
    restored.
    """
    return turn.clock() - turn.command.undo_until > LATE_AFTER


def _send_draft(turn: OutboxTurn) -> None:
    draft = turn.remote.draft
    if draft is None:
        raise RuntimeError("a drafted command has no draft")
    turn.kind.authorize(turn.command, at=turn.clock())
    now = turn.clock()
    # Before the request. From here on, only the mailbox shows whether the message was sent.
    turn.save(
        turn.remote.replace(is_accepted=False, refusal=""),
        state=OutboxState.SENDING,
        changed_at=now,
        sending_at=now,
        unsent_look_at=None,
        due_at=now + send_looks.FIRST_LOOK,
    )
    try:
        turn.call(turn.units.send_draft, lambda adapter: adapter.send_draft(draft))
    except errors.OutcomeUnknown:
        return
    except ProviderCallPostponed:
        # Nothing was requested.
        turn.save(turn.remote.replace(refusal=OutboxProblem.RATE_LIMITED))
        return
    except errors.ProviderError as refusal:
        dispatch_failures.alert_operator(turn.command, refusal, at=turn.clock())
        turn.save(turn.remote.replace(refusal=dispatch_failures.name_problem(refusal)))
        return
    turn.save(turn.remote.replace(is_accepted=True))


def _is_reachable(command: OutboxCommand) -> bool:
    integration = command.integration
    return (
        integration.status in FETCHABLE and integration.connection.status == ConnectionStatus.ACTIVE
    )


def _handle_fence(lease: Lease, command: OutboxCommand, at: datetime) -> None:
    """A disconnected integration's row is left to its purge; a changed grant is read again."""
    if Integration.objects.live().filter(id=command.integration_id).exists():
        changed = errors.Unavailable("the grant changed during the turn")
        dispatch_failures.handle_error(lease, command, changed, at=at)


def _settle_crashed(lease: Lease, command: OutboxCommand, at: datetime) -> None:
    dispatch_failures.settle_failure(lease, command, OutboxProblem.CRASHED, at=at)
    alarms.raise_alarm(
        kind="outbox.crashing",
        about=command.integration.connection_id,
        window=f"{at:%Y-%m-%d}",
        body={"integration_id": str(command.integration_id), "count": command.crash_count},
        at=at,
    )


def _enqueue_next(command_id: UUID, *, at: datetime) -> None:
    due_at = (
        OutboxCommand.objects.filter(id=command_id, lease_by=None)
        .values_list("due_at", flat=True)
        .first()
    )
    if due_at is not None:
        delay = max(0.0, (due_at - at).total_seconds())
        # A hint: the sweep finds the row, too.
        enqueue("integrations.dispatch_outbox", delay=delay, command_id=command_id)


def _log_fields(command: OutboxCommand) -> dict[str, Any]:
    return {
        "connection_id": command.integration.connection_id,
        "integration_id": command.integration_id,
        "about": command.id,
    }
