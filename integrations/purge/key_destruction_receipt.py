"""
Part 2 of a receipt: written once, after the epochs of the destroyed keys have ended. A sweep
finds due purges.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, Min, OuterRef, Q

from integrations.models import PurgeJob, PurgeStep
from limited_use.models import KeyEpoch, Receipt
from limited_use.policy.key_lines import KeyLine
from limited_use.receipts import key_destruction_receipts
from limited_use.receipts.key_destruction_receipts import ReceiptKey
from limited_use.rotation import rotation_schedule


def get_backup_end(job: PurgeJob) -> datetime:
    """Return until when the operator keeps backups from before the removal."""
    at: datetime = job.verified_at or job.fenced_at
    return at + timedelta(days=settings.BACKUP_RETENTION_DAYS)


def get_local_key_epoch_end(job: PurgeJob) -> datetime | None:
    """Return None without local calendars."""
    if job.own_kek_epoch is None:
        return None
    at: datetime = job.fenced_at
    return at + timedelta(hours=rotation_schedule.get_max_hours(KeyLine.OWN))


def list_due_key_destruction_receipts(*, limit: int = 200) -> list[UUID]:
    """Return the oldest first."""
    oldest = {
        line: KeyEpoch.objects.filter(line=line, destroyed_at=None).aggregate(first=Min("number"))[
            "first"
        ]
        for line in KeyLine
    }
    ended = PurgeJob.objects.filter(
        ~Exists(Receipt.objects.filter(subject_id=OuterRef("integration_id"), part=2)),
        Q(credential_kek_epoch=None) | Q(credential_kek_epoch__lt=oldest[KeyLine.CREDENTIAL] or 0),
        Q(own_kek_epoch=None) | Q(own_kek_epoch__lt=oldest[KeyLine.OWN] or 0),
        Q(account_kek_epoch=None) | Q(account_kek_epoch__lt=oldest[KeyLine.ACCOUNT] or 0),
        step=PurgeStep.DONE,
        content_kek_epoch__lt=oldest[KeyLine.CONTENT] or 0,
    )
    return list(ended.order_by("content_kek_epoch", "id").values_list("id", flat=True)[:limit])


def get_key_destruction_receipt(job: PurgeJob) -> Receipt | None:
    return Receipt.objects.filter(subject_id=job.integration_id, part=2).first()


@transaction.atomic(durable=True)
def issue_key_destruction_receipt(*, job_id: UUID, at: datetime) -> Receipt:
    """
    Return the existing one if it is written.

    :raises EpochNotDestroyed: until the epochs have ended
    :raises EntryNotSequenced: until the ledger proves it
    """
    # The lock serialises: a second caller finds the first one's receipt.
    job = PurgeJob.objects.select_for_update(no_key=True).get(id=job_id, step=PurgeStep.DONE)
    return key_destruction_receipts.issue_second_part(
        first_part=Receipt.objects.get(subject_id=job.integration_id, part=1),
        keys=_list_key_ends(job),
        entry_ids=job.entry_ids,
        backups_until=get_backup_end(job),
        at=at,
    )


def _list_key_ends(job: PurgeJob) -> list[ReceiptKey]:
    destroyed_keys = (
        (KeyLine.CONTENT, job.content_key_id, job.content_kek_epoch),
        *((KeyLine(line), key_id, epoch) for key_id, epoch, _, line in job.cache_keys),
        (KeyLine.CREDENTIAL, job.credential_key_id, job.credential_kek_epoch),
        (KeyLine.ACCOUNT, job.account_key_id, job.account_kek_epoch),
    )
    return [
        ReceiptKey(line, key_id, epoch)
        for line, key_id, epoch in destroyed_keys
        if key_id and epoch
    ]
