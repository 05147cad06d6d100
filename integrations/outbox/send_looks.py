"""Look into the mailbox for a message that the provider was asked to send."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction

from integrations.models import OutboxProblem, OutboxState
from integrations.providers import errors
from integrations.providers.outgoing_mail import DraftRef, SendLook, SentRef

from . import dispatch_failures
from .outbox_turn import OutboxTurn

#: After the request, if its worker died before it could look.
FIRST_LOOK: Final = timedelta(seconds=5)
#: Between two looks that show an intact draft and no sent message.
RESEND_PAUSE: Final = timedelta(seconds=30)
#: How long a message may be nowhere, or on its way, before its outcome is unknown.
MISSING_FOR: Final = timedelta(minutes=3)
LEAVING_FOR: Final = timedelta(hours=1)
# Refusals after which the same draft is sent again.
_RETRIED: Final = frozenset({OutboxProblem.RATE_LIMITED, OutboxProblem.UNAVAILABLE})
# No provider has such a draft, and none knows changes since then.
_NO_DRAFT: Final = DraftRef(draft_id="0", message_id="0", checkpoint="1")
# Wait between looks, as a share of the time since the request.
_WAIT_SHARE: Final = 0.5
_SHORTEST_WAIT: Final = timedelta(seconds=1)
_LONGEST_WAIT: Final = timedelta(minutes=1)


def look(turn: OutboxTurn) -> None:
    """End the turn: the command is settled, may be sent again, or is looked for later."""
    # A restored row may have none.
    draft = turn.remote.draft or _NO_DRAFT
    found = _look_for_sent(turn, draft)
    now = turn.clock()
    if found.sent is not None:
        _settle_as_sent(turn, found.sent)
    elif turn.remote.draft is None:
        _settle(turn, OutboxState.UNKNOWN, OutboxProblem.NOT_FOUND, now)
    elif found.is_leaving or (turn.remote.is_accepted and found.draft == "intact"):
        # Accepted, and on its way: sending it again would be a second message.
        _wait_or_give_up(turn, LEAVING_FOR, now)
    elif not found.is_complete:
        # It may be among the mail that was not examined: nothing says that it was not sent.
        _wait_or_give_up(turn, LEAVING_FOR if turn.remote.is_accepted else MISSING_FOR, now)
    elif found.draft == "intact":
        _handle_unsent(turn, now)
    else:
        _handle_missing(turn, found, now)


def settle_unless_unsent(turn: OutboxTurn) -> bool:
    """
    Look for the message although no request to send it is known.

    Return whether the command is settled: as sent, or as unknown if not all sent mail could be
    examined.
    """
    found = _look_for_sent(turn, _NO_DRAFT)
    now = turn.clock()
    if found.sent is not None:
        _settle_as_sent(turn, found.sent, sending_at=now)
        return True
    if found.is_complete:
        return False
    _settle(turn, OutboxState.UNKNOWN, OutboxProblem.NOT_FOUND, now, sending_at=now)
    return True


def _look_for_sent(turn: OutboxTurn, draft: DraftRef) -> SendLook:
    created_at = turn.command.created_at
    return turn.call(
        turn.units.look_for_sent,
        lambda adapter: adapter.look_for_sent(draft, turn.tag, created_at),
    )


def _settle_as_sent(turn: OutboxTurn, sent: SentRef, **values: Any) -> None:
    # The inbox and delivery reports find the message by its Message-ID.
    blind = turn.compute_blind(sent.rfc822_id) if sent.rfc822_id else None
    turn.settle_as_sent(turn.remote.replace(sent=sent), rfc822_blind=blind, **values)


def _handle_unsent(turn: OutboxTurn, now: datetime) -> None:
    """The draft is as it was stored, and nothing was sent."""
    command, refusal = turn.command, turn.remote.refusal
    if refusal and refusal not in _RETRIED:
        # The provider said that it refused: the look confirms it.
        _give_up_unsent(turn, refusal, now)
        return
    since = command.failing_since or command.sending_at or now
    if refusal:
        _allow_next_request(turn, since, dispatch_failures.TRY_WHEN_LIMITED_FOR, now)
        return
    first_look = command.unsent_look_at or now
    earliest = max(first_look + RESEND_PAUSE, (command.sending_at or now) + turn.limits.settle_time)
    if now < earliest:
        turn.release(turn.remote, unsent_look_at=first_look, due_at=earliest)
    else:
        _allow_next_request(turn, since, dispatch_failures.TRY_FOR, now)


def _allow_next_request(
    turn: OutboxTurn, since: datetime, longest: timedelta, now: datetime
) -> None:
    """The same draft may be sent once more, for some time."""
    refusal = turn.remote.refusal
    if now - since >= longest:
        _give_up_unsent(turn, refusal or OutboxProblem.UNAVAILABLE, now)
        return
    pause = min(max((now - since) / 2, _SHORTEST_WAIT), _LONGEST_WAIT) if refusal else timedelta()
    turn.release(
        turn.remote.replace(refusal="", is_accepted=False),
        state=OutboxState.DRAFTED,
        changed_at=now,
        failing_since=since,
        unsent_look_at=None,
        due_at=now + pause,
    )


def _give_up_unsent(turn: OutboxTurn, problem: str, now: datetime) -> None:
    """The text stays in the outbox, so the draft is not needed."""
    with suppress(errors.ProviderError):
        turn.call(turn.units.delete_drafts, lambda adapter: adapter.delete_drafts(turn.tag))
    _settle(turn, OutboxState.FAILED, problem, now)


def _handle_missing(turn: OutboxTurn, found: SendLook, now: datetime) -> None:
    """There is no intact draft, and no sent message yet: the message may still appear."""
    since = turn.command.sending_at or now
    if now - since < (LEAVING_FOR if turn.remote.is_accepted else MISSING_FOR):
        _look_later(turn, now)
    elif found.draft == "changed":
        # Sending consumes a draft. A changed one is left to its owner, and was not sent.
        _settle(turn, OutboxState.FAILED, OutboxProblem.DRAFT_CHANGED, now)
    else:
        _settle(turn, OutboxState.UNKNOWN, OutboxProblem.NOT_FOUND, now)


def _wait_or_give_up(turn: OutboxTurn, longest: timedelta, now: datetime) -> None:
    if now - (turn.command.sending_at or now) < longest:
        _look_later(turn, now)
    else:
        _settle(turn, OutboxState.UNKNOWN, OutboxProblem.NOT_FOUND, now)


def _look_later(turn: OutboxTurn, now: datetime) -> None:
    wait = (now - (turn.command.sending_at or now)) * _WAIT_SHARE
    turn.release(
        turn.remote,
        due_at=now + min(max(wait, _SHORTEST_WAIT), _LONGEST_WAIT),
        # An intact draft that disappeared counts from the beginning.
        unsent_look_at=None,
        # The mailbox answered.
        failing_since=None,
        crash_count=0,
    )


def _settle(
    turn: OutboxTurn, state: OutboxState, problem: str, now: datetime, **columns: datetime
) -> None:
    values = dispatch_failures.make_settled_values(state, problem, at=now)
    with transaction.atomic(durable=True):
        turn.release(turn.remote, **values, **columns)
        dispatch_failures.notify_owner(turn.command, values, at=now)
