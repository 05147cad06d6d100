"""Rows of acts: claimed by one worker at a time, tried again, settled once."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db.models import F, QuerySet

from accounts import alarms, row_owner
from accounts.models import User
from accounts.roles import Role
from integrations.coordination import leases
from integrations.coordination.leases import Lease
from integrations.models import REVOCATIONS, SupportAct, SupportActKind, SupportActState
from limited_use.ledger import entries

logger = logging.getLogger(__name__)

#: Acts of a purge worker, and of a sync worker, which alone may make syncs and watches due.
PURGE_KINDS: Final = (*REVOCATIONS, SupportActKind.SEND_RECEIPT_LINK)
SYNC_KINDS: Final = (
    SupportActKind.SYNC_NOW,
    SupportActKind.RETRY_QUARANTINED,
    SupportActKind.RENEW_PUSH,
)
MAX_TRIES: Final = 8
# Backoff after a failed try, in seconds; doubled each time, so the last pause is four minutes.
FIRST_PAUSE: Final = 2.0


@dataclass(frozen=True, slots=True)
class ClaimedAct:
    lease: Lease
    act: SupportAct


def list_due_acts(
    kinds: Collection[SupportActKind], *, at: datetime, limit: int = 500
) -> list[UUID]:
    """Return the longest waiting first."""
    due = _find_claimable(kinds, at).order_by("next_try_at", "id")
    return list(due.values_list("id", flat=True)[:limit])


def claim_act(act_id: UUID, kinds: Collection[SupportActKind], *, at: datetime) -> ClaimedAct:
    """
    Lease the act, and count the try.

    :raises leases.NotClaimable: also if it is of no such kind
    """
    duration = timedelta(seconds=settings.LEASE_SECONDS)
    due, next_try_count = _find_claimable(kinds, at), F("try_count") + 1
    lease, act = leases.claim_from(due, act_id, at=at, duration=duration, try_count=next_try_count)
    act.try_count += 1
    return ClaimedAct(lease, act)


def settle_act(claimed: ClaimedAct, state: SupportActState, *, at: datetime) -> None:
    """
    Call it in the transaction of the last change.

    :raises leases.LeaseLost: that transaction must not commit
    """
    leases.release(claimed.lease, state=state, settled_at=at)
    record_settlement(claimed.act.id, state, at=at)
    logger.info("support.act_settled", extra={"about": claimed.act.id, "outcome": state})


def record_settlement(act_id: UUID, state: SupportActState, *, at: datetime) -> None:
    """Record the act's final state in the ledger."""
    entries.record_ledger_event(
        event={
            SupportActState.DONE: "support.act_done",
            SupportActState.UNNECESSARY: "support.act_unnecessary",
            SupportActState.STOPPED: "support.act_stopped",
            SupportActState.FAILED: "support.act_failed",
        }[state],
        about=act_id,
        at=at,
    )


def postpone_act(claimed: ClaimedAct, *, at: datetime) -> SupportActState:
    """
    After an error: try again later, or fail with an alarm at the last try.

    :raises leases.LeaseLost:
    """
    act = claimed.act
    if act.try_count < MAX_TRIES:
        pause = FIRST_PAUSE * 2**act.try_count
        leases.release(claimed.lease, next_try_at=at + timedelta(seconds=pause))
        return SupportActState.WAITING
    return fail_act(claimed, at=at)


def fail_act(claimed: ClaimedAct, *, at: datetime) -> SupportActState:
    """
    Settle the act as failed, with an alarm.

    :raises leases.LeaseLost:
    """
    act = claimed.act
    settle_act(claimed, SupportActState.FAILED, at=at)
    alarms.raise_alarm(
        kind="support.act_failed", about=act.id, window="", body={"kind": str(act.kind)}, at=at
    )
    return SupportActState.FAILED


def is_agent_active(act: SupportAct) -> bool:
    """Return whether the agent may still act: the role can have ended since the order."""
    with row_owner.acting_for(act.agent_id, None):
        return User.objects.active().filter(id=act.agent_id, role=Role.SUPPORT).exists()


def _find_claimable(kinds: Collection[SupportActKind], at: datetime) -> QuerySet[SupportAct]:
    # A bulk revocation carries its acts out at its own pace.
    return SupportAct.objects.filter(
        leases.match_unleased(at),
        kind__in=kinds,
        bulk=None,
        state=SupportActState.WAITING,
        next_try_at__lte=at,
    )
