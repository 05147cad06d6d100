"""One connection of a bulk revocation, in its own transaction."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import F

from accounts import alarms
from integrations.connections import disconnect_for_support
from integrations.coordination import database_contention
from integrations.models import (
    BulkRevocation,
    SupportAct,
    SupportActState,
)

from . import act_rows, bulk_matches, notices

logger = logging.getLogger(__name__)

MAX_TRIES: Final = 3
RETRY_AFTER: Final = timedelta(seconds=30)


class _AlreadySettled(Exception):
    """Another worker carried the act out, or it was stopped."""


def carry_out(
    act_id: UUID, *, bulk: BulkRevocation, now: Callable[[], datetime]
) -> SupportActState | None:
    """
    Return the act's final state; None while it waits, or if another worker settled it.

    An error does not reach other connections: the act is tried again, and fails at last. So does
    an act if its worker dies each time.
    """
    if not _count_try(act_id):
        # The worker of each earlier try died, or the act is settled.
        state = _fail(act_id, bulk, now())
        if state is not None:
            logger.error("bulk_revocation.act_failed", extra={"about": act_id})
        return state
    try:
        return database_contention.retry(lambda: _settle(act_id, bulk, now()))
    except _AlreadySettled:
        return None
    except Exception:
        # A bug with one connection must not stop the others.
        logger.exception("bulk_revocation.act_failed", extra={"about": act_id})
        return _postpone_or_fail(act_id, bulk, now())


def _get_connection_id(act: SupportAct) -> UUID:
    # A database constraint: an act of this kind has a connection.
    assert act.connection_id is not None  # noqa: S101 - for the type
    return act.connection_id


def _settle(act_id: UUID, bulk: BulkRevocation, at: datetime) -> SupportActState:
    """:raises _AlreadySettled:"""
    waiting = SupportAct.objects.filter(id=act_id, state=SupportActState.WAITING)
    with transaction.atomic(durable=True):
        act = waiting.first()
        if act is None:
            raise _AlreadySettled
        # Connection before act: see "Lock order" in the README. After a reconnect, the account's
        # grant is newer than the proposal, and the account no longer matches.
        matching = bulk_matches.find_matching_connections(bulk).filter(id=_get_connection_id(act))
        connection = matching.select_for_update(no_key=True, of=("self",)).first()
        state, job_count = SupportActState.UNNECESSARY, 0
        if connection is not None:
            jobs = disconnect_for_support(
                act=act, connection_id=connection.id, integration_id=None, at=at
            )
            if jobs is not None:
                notices.notify_of_disconnect(act, connection, jobs, at=at)
                state, job_count = SupportActState.DONE, len(jobs)
        if not waiting.update(state=state, settled_at=at, done_count=job_count):
            raise _AlreadySettled
        act_rows.record_settlement(act_id, state, at=at)
    return state


def _count_try(act_id: UUID) -> bool:
    """Return False if the act had all of its tries, or is settled."""
    waiting = SupportAct.objects.filter(id=act_id, state=SupportActState.WAITING)
    left = waiting.filter(try_count__lt=MAX_TRIES)
    return bool(left.update(try_count=F("try_count") + 1))


def _postpone_or_fail(act_id: UUID, bulk: BulkRevocation, at: datetime) -> SupportActState | None:
    waiting = SupportAct.objects.filter(id=act_id, state=SupportActState.WAITING)
    if waiting.filter(try_count__lt=MAX_TRIES).update(next_try_at=at + RETRY_AFTER):
        return None
    return _fail(act_id, bulk, at)


def _fail(act_id: UUID, bulk: BulkRevocation, at: datetime) -> SupportActState | None:
    waiting = SupportAct.objects.filter(id=act_id, state=SupportActState.WAITING)
    with transaction.atomic(durable=True):
        if not waiting.update(state=SupportActState.FAILED, settled_at=at):
            return None
        act_rows.record_settlement(act_id, SupportActState.FAILED, at=at)
        alarms.raise_alarm(
            kind="support.bulk_failed",
            about=bulk.id,
            window="",
            body={"act": str(act_id)},
            at=at,
        )
    return SupportActState.FAILED
