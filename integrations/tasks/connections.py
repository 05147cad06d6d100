"""Periodic work for connections: expire abandoned connects, send due notices, disconnect."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from integrations import approvals, endings, forgetting, grants, idempotency, notices, oauth_state
from integrations.task_queue import enqueue
from limited_use.agreements import shares


@shared_task(name="integrations.sweep_connections")  # type: ignore[untyped-decorator]
def sweep_connections(**_: object) -> None:
    """
    Expire abandoned connects, send due notices, and start automatic disconnects.

    Notices come first: no owner's mail is deleted before the owner was told.
    """
    at = timezone.now()
    oauth_state.expire(at=at)
    approvals.expire(at=at)
    grants.forget_discards(at=at)
    notices.tell(at=at)
    for job_id in endings.sweep(at=at):
        enqueue("integrations.purge_integration", job_id=job_id)
    forgetting.sweep(at=at)
    idempotency.delete_expired(at=at)
    shares.forget_addresses(at=at)
