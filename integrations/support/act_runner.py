"""
Carry out what agents ordered, in a worker.

A revocation has a transaction for each connection, in which the ledger, the notice and the count of
the act are written, too. A worker that dies leaves a lease that ends; the next one finds the rest.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts import row_owner
from integrations.access.fences import NotConnectedError
from integrations.connections import disconnect_for_support
from integrations.coordination import leases
from integrations.coordination.leases import LeaseLost
from integrations.coordination.task_queue import enqueue_on_commit
from integrations.mail import sync_controls
from integrations.models import (
    OWNER_ONLY,
    Connection,
    Integration,
    PurgeJob,
    SupportAct,
    SupportActKind,
    SupportActState,
)
from integrations.notifications import removal_mail
from integrations.providers.local import LOCAL
from integrations.push import make_watches_due
from limited_use.models import Receipt
from limited_use.notifications import platform_mail

from . import act_rows, notices, signed_orders
from .act_rows import ClaimedAct

logger = logging.getLogger(__name__)

Clock = Callable[[], datetime]


class MailNotSent(Exception):
    """No mail server took the message, or the person has no account any more."""


def run_purge_act(*, act_id: UUID, now: Clock = timezone.now) -> SupportActState:
    """
    Carry out a disconnect, or send a link to a receipt.

    :raises leases.NotClaimable, leases.LeaseLost:
    """
    claimed = act_rows.claim_act(act_id, act_rows.PURGE_KINDS, at=now())
    if claimed.act.kind == SupportActKind.SEND_RECEIPT_LINK:
        return _run(claimed, _send_receipt_link, now)
    return _run(claimed, _revoke, now)


def run_sync_act(*, act_id: UUID, now: Clock = timezone.now) -> SupportActState:
    """
    Make a sync, skipped messages or notifications due.

    :raises leases.NotClaimable, leases.LeaseLost:
    """
    return _run(act_rows.claim_act(act_id, act_rows.SYNC_KINDS, at=now()), _maintain, now)


def _run(
    claimed: ClaimedAct, carry_out: Callable[[ClaimedAct, Clock], SupportActState], now: Clock
) -> SupportActState:
    try:
        if not signed_orders.is_signed_act(claimed.act):
            signed_orders.report_unsigned(claimed.act, at=now())
            return _settle(claimed, SupportActState.STOPPED, now())
        # What began under the agent's authority is finished.
        if not claimed.act.done_count and not act_rows.is_agent_active(claimed.act):
            return _settle(claimed, SupportActState.STOPPED, now())
        if claimed.act.try_count > act_rows.MAX_TRIES:
            # The worker of each earlier try died.
            logger.error("support.act_crashed", extra={"about": claimed.act.id})
            with transaction.atomic(durable=True):
                return act_rows.fail_act(claimed, at=now())
        return carry_out(claimed, now)
    except LeaseLost:
        raise
    except Exception:
        # The agent sees that it waits or failed; the operator has the alarm.
        logger.exception("support.act_crashed", extra={"about": claimed.act.id})
        with transaction.atomic(durable=True):
            return act_rows.postpone_act(claimed, at=now())


def _settle(claimed: ClaimedAct, state: SupportActState, at: datetime) -> SupportActState:
    with transaction.atomic(durable=True):
        act_rows.settle_act(claimed, state, at=at)
    return state


def _revoke(claimed: ClaimedAct, now: Clock) -> SupportActState:
    act = claimed.act
    crash: Exception | None = None
    for connection in _list_connections(act):
        try:
            _revoke_connection(claimed, connection, now())
        except LeaseLost:
            raise
        except Exception as error:
            # A bug with one account must not keep the others connected.
            about = {"act_id": act.id, "connection_id": connection.id}
            logger.exception("support.revocation_crashed", extra=about)
            crash = error
    if crash is not None:
        raise crash
    act.refresh_from_db(fields=["done_count"])
    is_done = act.done_count > 0
    state = SupportActState.DONE if is_done else SupportActState.UNNECESSARY
    return _settle(claimed, state, now())


def _list_connections(act: SupportAct) -> list[Connection]:
    live = Connection.objects.live().filter(user_id=act.user_id).exclude(provider=LOCAL.key)
    if act.integration_id is not None:
        live = live.filter(integrations=act.integration_id)
    elif act.connection_id is not None:
        live = live.filter(id=act.connection_id)
    return list(live.order_by("id"))


def _revoke_connection(claimed: ClaimedAct, connection: Connection, at: datetime) -> None:
    act = claimed.act
    is_single = act.kind == SupportActKind.REVOKE_INTEGRATION
    with transaction.atomic(durable=True):
        jobs = disconnect_for_support(
            act=act,
            connection_id=connection.id,
            integration_id=act.integration_id if is_single else None,
            at=at,
        )
        if jobs is None:
            return
        notices.notify_of_disconnect(act, connection, jobs, at=at)
        # Connection before act: see "Lock order" in the README.
        leases.renew(claimed.lease, at=at, done_count=F("done_count") + max(1, len(jobs)))


def _send_receipt_link(claimed: ClaimedAct, now: Clock) -> SupportActState:
    """A worker that dies after the mail sends another one; each has a link of its own."""
    act, at = claimed.act, now()
    receipt = Receipt.objects.filter(owner_id=act.user_id).get(id=_get_id(act.receipt_id))
    job = PurgeJob.objects.select_related("integration__connection").get(
        integration_id=receipt.subject_id
    )
    # If the mail is not sent, its link is rolled back, and ends no other one.
    with transaction.atomic(durable=True):
        leases.renew(claimed.lease, at=at, done_count=1)
        notices.notify_of_change(act, job.integration, at=at)
        act_rows.settle_act(claimed, SupportActState.DONE, at=at)
        if not platform_mail.send_platform_mail(
            "receipt_ready",
            user_id=act.user_id,
            values=removal_mail.describe_receipt(job),
            about=job.integration_id,
            at=at,
        ):
            raise MailNotSent
    return SupportActState.DONE


def _maintain(claimed: ClaimedAct, now: Clock) -> SupportActState:
    act, at = claimed.act, now()
    # A staff process can name any integration in an order: it has to be the person's own.
    integration = Integration.objects.select_related("connection").get(
        id=_get_id(act.integration_id), connection__user_id=act.user_id
    )
    connection = integration.connection
    with (
        row_owner.acting_for(connection.user_id, connection.organisation_id),
        transaction.atomic(durable=True),
    ):
        try:
            count = _CHANGES[act.kind](integration.id, at)
        except NotConnectedError:
            integration.refresh_from_db(fields=["status"])
            if integration.status in OWNER_ONLY:
                act_rows.settle_act(claimed, SupportActState.STOPPED, at=at)
                return SupportActState.STOPPED
            count = 0
        if count:
            leases.renew(claimed.lease, at=at, done_count=count)
            notices.notify_of_change(act, integration, at=at)
        state = SupportActState.DONE if count else SupportActState.UNNECESSARY
        act_rows.settle_act(claimed, state, at=at)
    return state


def _get_id(object_id: UUID | None) -> UUID:
    # A constraint of the table ensures it for each kind.
    if object_id is None:
        raise ValueError("the act has no object")
    return object_id


def _sync_now(integration_id: UUID, at: datetime) -> int:
    return sync_controls.sync_for_support(integration_id=integration_id, at=at)


def _retry_quarantined(integration_id: UUID, at: datetime) -> int:
    return sync_controls.retry_quarantined_in_transaction(integration_id=integration_id, at=at)


def _renew_push(integration_id: UUID, at: datetime) -> int:
    watch_ids = make_watches_due(integration_id=integration_id, at=at)
    for watch_id in watch_ids:
        enqueue_on_commit("integrations.keep_watch", watch_id=watch_id)
    return len(watch_ids)


_CHANGES: Final[dict[str, Callable[[UUID, datetime], int]]] = {
    SupportActKind.SYNC_NOW: _sync_now,
    SupportActKind.RETRY_QUARANTINED: _retry_quarantined,
    SupportActKind.RENEW_PUSH: _renew_push,
}
