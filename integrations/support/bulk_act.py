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

    An error does not reach other connections: the act is tried again, and fails at last.
    """
    try:
        return database_contention.retry(lambda: _settle(act_id, bulk, now()))
    except _AlreadySettled:
        return None
    except Exception:
        # A bug with one connection must not stop the others.
        logger.exception("bulk_revocation.act_failed", extra={"about": act_id})
        return _record_failure(act_id, bulk, now())


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
        # Connection before act: see "Lock order" in the README. A person who reconnected
        # meanwhile has a grant of a later time.
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


def _record_failure(act_id: UUID, bulk: BulkRevocation, at: datetime) -> SupportActState | None:
    waiting = SupportAct.objects.filter(id=act_id, state=SupportActState.WAITING)
    if waiting.filter(try_count__lt=MAX_TRIES - 1).update(
        try_count=F("try_count") + 1, next_try_at=at + RETRY_AFTER
    ):
        return None
    with transaction.atomic(durable=True):
        if not waiting.update(
            state=SupportActState.FAILED, settled_at=at, try_count=F("try_count") + 1
        ):
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
