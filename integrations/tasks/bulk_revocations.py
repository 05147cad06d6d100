"""Bulk revocations of support."""

# Celery has no types: its decorator needs the ignores.

from __future__ import annotations

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from integrations.coordination.task_queue import enqueue
from integrations.support import bulk_runner


@shared_task(name="integrations.run_bulk_revocation")  # type: ignore[untyped-decorator]
def run_bulk_revocation(*, bulk_id: str, **_: object) -> None:
    if bulk_runner.run_bulk(bulk_id=UUID(bulk_id)):
        enqueue("integrations.run_bulk_revocation", bulk_id=UUID(bulk_id))


@shared_task(name="integrations.sweep_bulk_revocations")  # type: ignore[untyped-decorator]
def sweep_bulk_revocations(**_: object) -> None:
    """Enqueue bulk revocations without a worker, and reject proposals that nobody decided."""
    at = timezone.now()
    bulk_runner.reject_undecided(at=at)
    for bulk_id in bulk_runner.list_due_bulks(at=at):
        enqueue("integrations.run_bulk_revocation", bulk_id=bulk_id)
