"""Clocks of connections: what nobody came back from, what is due to be told, what has to end."""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

from celery import shared_task
from django.utils import timezone
from kombu.exceptions import OperationalError

from integrations import approvals, endings, forgetting, grants, idempotency, notices, oauth_state
from limited_use import shares

from .purge import queue
from .sync import sync_mail


def queue_sync(work_id: UUID) -> None:
    """Ask a worker to look now. A broker that is down loses nothing: the row is due."""
    with suppress(OperationalError, OSError):
        sync_mail.apply_async(kwargs={"work_id": str(work_id)}, retry=False)


@shared_task(name="integrations.sweep_connections")  # type: ignore[untyped-decorator]
def sweep_connections(**_: object) -> None:
    """
    End what nobody came back from, tell owners, and open the purges that are due.

    Told first: nobody's mail goes before they were told.
    """
    at = timezone.now()
    oauth_state.expire(at=at)
    approvals.expire(at=at)
    grants.forget_discards(at=at)
    notices.tell(at=at)
    for job_id in endings.sweep(at=at):
        queue(job_id)
    forgetting.sweep(at=at)
    idempotency.delete_expired(at=at)
    shares.forget_addresses(at=at)
