"""Work to be done for an integration, what it set aside, and how it compares with the provider."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from accounts.ids import uuid7
from limited_use.policy.vocabulary import DataClass
from limited_use.vault.fields import SealedField

from .connection import Integration, StatusReason


class SyncStage(models.TextChoices):
    # Listing and fetching everything within the horizon, newest first.
    SNAPSHOT = "snapshot"
    # Following the provider's change history.
    DELTA = "delta"


class SyncWork(models.Model):
    """
    One thing to keep in step: (integration, resource).

    Claimed with SKIP LOCKED under a lease; a worker that dies lets the lease
    run out, and the sweeper finds the row.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    integration = models.ForeignKey(Integration, on_delete=models.PROTECT, related_name="+")
    resource = models.CharField(max_length=32, default="mail")
    stage = models.CharField(max_length=16, choices=SyncStage, default=SyncStage.SNAPSHOT)
    # Where the next delta begins. During a snapshot: read before the listing began.
    cursor = SealedField(data_class=DataClass.MAIL_METADATA, holder="integration_id", null=True)
    # Where the snapshot's listing goes on: the provider's page token.
    position = SealedField(data_class=DataClass.MAIL_METADATA, holder="integration_id", null=True)
    round = models.PositiveIntegerField(default=1)
    # JSON object: the names of the person's own labels, by the provider's id. Rows of messages
    # hold ids, so that a label that was renamed is renamed in one place.
    label_names = SealedField(
        data_class=DataClass.MAIL_METADATA, holder="integration_id", null=True
    )
    # A keyed hash of `label_names`: whether they changed is known without opening them.
    label_names_blind = models.BinaryField(max_length=32, null=True)

    next_sync_at = models.DateTimeField()
    lease_by = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    # Consecutive failures, for backing off; zero after a success.
    failure_count = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True)
    # Consecutive turns that ended by an unexpected exception or by the death of their worker.
    crash_count = models.PositiveIntegerField(default=0)
    # Turns since the last success that the provider refused for want of a permission.
    denial_count = models.PositiveIntegerField(default=0)
    # Why the work waits until `next_sync_at`; empty if nothing is wrong.
    pause_reason = models.CharField(max_length=32, choices=StatusReason, blank=True, default="")

    # What the page shows. `expected_count` is the provider's own estimate until listing ended.
    expected_count = models.PositiveIntegerField(default=0)
    done_count = models.PositiveIntegerField(default=0)
    # Messages of this round that were read from their MIME: the provider's pages do not show them.
    mime_count = models.PositiveIntegerField(default=0)
    units_spent = models.PositiveBigIntegerField(default=0)
    first_synced_at = models.DateTimeField(null=True)
    last_synced_at = models.DateTimeField(null=True)
    last_event_at = models.DateTimeField(null=True)
    reconcile_at = models.DateTimeField(null=True)
    # When the owner or a feature last looked at the mailbox, to within some minutes; not who did.
    looked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["integration", "resource"], name="sync_work_once_per_resource"
            ),
            models.CheckConstraint(
                condition=Q(lease_by=None, lease_until=None)
                | Q(lease_by__isnull=False, lease_until__isnull=False),
                name="sync_work_lease_is_whole",
            ),
        ]
        indexes = [models.Index(fields=["next_sync_at"], name="sync_work_due")]

    def __str__(self) -> str:
        return f"{self.resource} work {self.id}"


class SetAside(models.Model):
    """A message that could not be fetched or read: visible, and out of its neighbours' way."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    integration = models.ForeignKey(Integration, on_delete=models.PROTECT, related_name="+")
    remote_blind = models.BinaryField(max_length=32)
    # The provider's id, so that it can be tried again.
    remote_id = SealedField(data_class=DataClass.MAIL_METADATA, holder="integration_id")
    # A word of ours (`too-deep`, `undecodable`, …), never the provider's text.
    reason = models.CharField(max_length=32)
    try_count = models.PositiveIntegerField(default=1)
    first_seen_at = models.DateTimeField()
    last_tried_at = models.DateTimeField()
    # When a message that is only delayed is fetched again; null for any other.
    next_try_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["integration", "remote_blind"], name="set_aside_once_per_item"
            ),
        ]

    def __str__(self) -> str:
        return f"set aside {self.id}: {self.reason}"


class Reconciliation(models.Model):
    """One comparison of what we hold with what the provider lists."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    integration = models.ForeignKey(Integration, on_delete=models.PROTECT, related_name="+")
    compared_at = models.DateTimeField()
    provider_count = models.PositiveIntegerField()
    our_count = models.PositiveIntegerField()
    missing_count = models.PositiveIntegerField()
    extra_count = models.PositiveIntegerField()
    repaired_count = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [
            models.Index(fields=["integration", "compared_at"], name="reconciliation_latest"),
        ]

    def __str__(self) -> str:
        return f"reconciliation {self.id}"
