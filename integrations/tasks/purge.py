# Celery has no types: its decorator needs the ignores.

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from accounts import alarms
from integrations import purge, push
from integrations.calendar.sync import cache_eviction
from integrations.coordination.leases import LeaseLost, NotClaimable
from integrations.coordination.task_queue import enqueue
from integrations.operations import open_alarms
from integrations.outbox import uploads
from integrations.purge import feature_removals, orphaned_keys, removal_deadlines
from limited_use.receipts.receipts import EntryNotSequenced

log = logging.getLogger(__name__)


@shared_task(name="integrations.purge_integration")  # type: ignore[untyped-decorator]
def purge_integration(*, job_id: str, **_: object) -> None:
    # Another worker has or had the job.
    with suppress(NotClaimable, LeaseLost):
        purge.run_purge(job_id=UUID(job_id))
    # Another purge of the connection may wait for this one.
    for waiting_id in purge.list_due_sibling_jobs(job_id=UUID(job_id), at=timezone.now()):
        enqueue("integrations.purge_integration", job_id=waiting_id)


@shared_task(name="integrations.sweep_purges")  # type: ignore[untyped-decorator]
def sweep_purges(**_: object) -> None:
    """Enqueue purges without a worker, and raise an alarm for each overdue promise."""
    at = timezone.now()
    for job_id in purge.list_due_jobs(at=at):
        enqueue("integrations.purge_integration", job_id=job_id)
    for late in purge.list_late_promises(at=at):
        alarms.raise_alarm(
            kind="purge.overdue",
            about=late.job_id,
            window=late.promise,
            body={"step": late.promise},
            at=at,
        )
    # In this task: only its process class may settle alarms.
    push.settle_webhook_alarm(at=at)
    open_alarms.settle_quiet_alarms(at=at)


@shared_task(name="integrations.write_second_parts")  # type: ignore[untyped-decorator]
def write_second_parts(**_: object) -> None:
    """Write part 2 of each receipt after the key epochs of its keys end."""
    at = timezone.now()
    for job_id in purge.list_due_key_destruction_receipts():
        try:
            purge.issue_key_destruction_receipt(job_id=job_id, at=at)
        except EntryNotSequenced:
            continue  # Not in the ledger yet; the next sweep finds the job.
        except Exception:
            # A failed receipt does not stop the others.
            log.exception("purge.second_part_failed", extra={"job_id": job_id})


@shared_task(name="integrations.end_ledger_parts")  # type: ignore[untyped-decorator]
def end_ledger_parts(**_: object) -> None:
    """Destroy ledger keys that were not downloaded within thirty days; create missing ones."""
    at = timezone.now()
    purge.sweep_ledger_keys(at=at)
    purge.create_missing_ledger_keys(at=at)


@shared_task(name="integrations.sweep_copies")  # type: ignore[untyped-decorator]
def sweep_copies(**_: object) -> None:
    """Delete expired calendar caches."""
    cache_eviction.evict_expired(at=timezone.now())


@shared_task(name="integrations.sweep_uploads")  # type: ignore[untyped-decorator]
def sweep_uploads(**_: object) -> None:
    """Delete files that were not sent in time."""
    uploads.delete_expired_uploads(at=timezone.now())


@shared_task(name="integrations.sweep_removals")  # type: ignore[untyped-decorator]
def sweep_removals(**_: object) -> None:
    """
    Settle the due times of clients, raise an alarm a day for each overdue client, delete old
    removals, and issue what a person's return left out.
    """
    at = timezone.now()
    removal_deadlines.settle_all_due_times()
    for overdue in removal_deadlines.list_overdue_clients(at=at):
        alarms.raise_alarm(
            kind="client.removals_overdue",
            about=overdue.client_id,
            window=f"{at:%Y-%m-%d}",
            body={"feature": overdue.feature, "count": overdue.count},
            at=at,
        )
    removal_deadlines.delete_old_removals(at=at)
    feature_removals.issue_removals_after_return(at=at)


@shared_task(name="integrations.search_residue")  # type: ignore[untyped-decorator]
def search_residue(**_: object) -> None:
    """
    Search for rows of purged integrations, sealed bytes without a key, and keys without an owner.

    Each is a bug or tampering, and raises an alarm once a day per table.
    """
    at = timezone.now()
    _raise_alarms("purge.residue", purge.count_purge_residue(), at=at)
    _raise_alarms("vault.stray_bytes", orphaned_keys.count_values_without_key(), at=at)
    _raise_alarms("vault.stray_key", orphaned_keys.count_keys_without_owner(), at=at)


def _raise_alarms(kind: str, counts: Mapping[str, int], *, at: datetime) -> None:
    for resource, count in counts.items():
        alarms.raise_alarm(
            kind=kind,
            about=UUID(int=0),
            window=f"{resource} {at:%Y-%m-%d}",
            body={"resource": resource, "count": count},
            at=at,
        )
