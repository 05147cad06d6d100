from __future__ import annotations

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from integrations.coordination.leases import NotClaimable
from integrations.coordination.task_queue import enqueue_until_sweep
from integrations.drive import folder_choice, standing_consent_ends, upload_worker, uploads
from integrations.operations.file_sources import SOURCES


# Celery acknowledges the message before the work: a dead worker's lease expires, and the sweep
# finds the row. The limit is for work that hangs despite every timeout. A worker reads a file of up
# to 50 GB in one turn.
@shared_task(name="integrations.upload_file", time_limit=6 * 3600)  # type: ignore[untyped-decorator]
def upload_file(*, file_id: str, **_: object) -> None:
    try:
        upload_worker.upload_file(SOURCES, UUID(file_id))
    except NotClaimable:
        # Another message claimed the row first, or it is not due.
        return


@shared_task(name="integrations.sweep_drive")  # type: ignore[untyped-decorator]
def sweep_drive(**_: object) -> None:
    """Enqueue due files, including those with a lost message or a dead worker."""
    for file_id in upload_worker.list_due_ids(at=timezone.now()):
        enqueue_until_sweep("integrations.upload_file", file_id=file_id)


@shared_task(name="integrations.clear_drive")  # type: ignore[untyped-decorator]
def clear_drive(**_: object) -> None:
    at = timezone.now()
    standing_consent_ends.end_due_consents(at=at)
    uploads.give_up_abandoned_files(at=at)
    uploads.delete_old_entries(at=at)
    folder_choice.delete_expired_requests(at=at)
