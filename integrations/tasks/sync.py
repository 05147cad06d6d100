from __future__ import annotations

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from integrations.coordination.leases import NotClaimable
from integrations.coordination.task_queue import enqueue, enqueue_until_sweep
from integrations.mail.sync import mail_retention
from integrations.operations.sync_products import PRODUCTS
from integrations.sync import sync_engine, work_leases


# Celery acknowledges the message before the work: a dead worker's lease expires, and the sweep
# finds the row. The limit is for work that hangs despite every timeout.
@shared_task(name="integrations.sync_mail", time_limit=180)  # type: ignore[untyped-decorator]
def sync_mail(*, work_id: str, **_: object) -> None:
    try:
        due = sync_engine.take_sync_turn(PRODUCTS, work_id=UUID(work_id), at=timezone.now())
    except NotClaimable:
        # Another message claimed the row first, or the work has ended.
        return
    for due_id in due:
        enqueue_until_sweep("integrations.sync_mail", work_id=due_id)


@shared_task(name="integrations.sweep_sync")  # type: ignore[untyped-decorator]
def sweep_sync(**_: object) -> None:
    """Enqueue due work, including work with a lost message or a dead worker."""
    for work_id in work_leases.get_due_ids(at=timezone.now()):
        enqueue_until_sweep("integrations.sync_mail", work_id=work_id)


@shared_task(name="integrations.keep_horizon")  # type: ignore[untyped-decorator]
def keep_horizon(*, integration_id: str, **_: object) -> None:
    """Delete one batch of mail beyond the mailbox's horizon; enqueue the next batch."""
    mailbox_id = UUID(integration_id)
    if mail_retention.delete_expired(integration_id=mailbox_id, at=timezone.now()):
        enqueue("integrations.keep_horizon", integration_id=mailbox_id)


@shared_task(name="integrations.sweep_horizons")  # type: ignore[untyped-decorator]
def sweep_horizons(**_: object) -> None:
    """Enqueue each mailbox with mail beyond its horizon, even if its provider refuses calls."""
    for integration_id in mail_retention.find_due_integrations(at=timezone.now()):
        enqueue("integrations.keep_horizon", integration_id=integration_id)
