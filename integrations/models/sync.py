from __future__ import annotations

from django.db import models
from django.db.models import Q

from accounts.ids import uuid7
from limited_use.policy.policy_vocabulary import DataClass
from limited_use.vault.fields import SealedField

from .connection import Integration, StatusReason


class SyncStage(models.TextChoices):
    # Listing and fetching everything within the horizon, newest first.
    SNAPSHOT = "snapshot"
    # Following the provider's change history.
    DELTA = "delta"


class SyncWork(models.Model):
    """
    One resource to keep in sync.

    Claimed with SKIP LOCKED under a lease. If a worker dies, the sweep finds the row after the
    lease.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    integration = models.ForeignKey(Integration, on_delete=models.PROTECT, related_name="+")
    resource = models.CharField(max_length=32, default="mail")
    stage = models.CharField(max_length=16, choices=SyncStage, default=SyncStage.SNAPSHOT)
    # The start of the next delta. During a snapshot: read before the listing began.
    cursor = SealedField(data_class=DataClass.MAIL_METADATA, holder="integration_id", null=True)
    # The next page of the snapshot: the provider's page token.
    position = SealedField(data_class=DataClass.MAIL_METADATA, holder="integration_id", null=True)
    round = models.PositiveIntegerField(default=1)
    # JSON object: the user's own label names by provider id. Message rows contain ids, so that a
    # rename changes one place.
    label_names = SealedField(
        data_class=DataClass.MAIL_METADATA, holder="integration_id", null=True
    )
    # A keyed hash of `label_names`, to detect changes without opening them.
    label_names_blind = models.BinaryField(max_length=32, null=True)

    next_sync_at = models.DateTimeField()
    lease_by = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    # Consecutive failures, for backoff; zero after a success.
    failure_count = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True)
    # Consecutive turns with an unexpected exception or a dead worker.
    crash_count = models.PositiveIntegerField(default=0)
    # Turns since the last success that the provider refused for lack of permission.
    denial_count = models.PositiveIntegerField(default=0)
    # Why the work waits until `next_sync_at`; empty if nothing is wrong.
    pause_reason = models.CharField(max_length=32, choices=StatusReason, blank=True, default="")

    # Shown on the page. `expected_count` is the provider's estimate until the listing ends.
    expected_count = models.PositiveIntegerField(default=0)
    done_count = models.PositiveIntegerField(default=0)
    # Messages of this round parsed from MIME, because the provider's pages do not contain them.
    mime_count = models.PositiveIntegerField(default=0)
    units_spent = models.PositiveBigIntegerField(default=0)
    first_synced_at = models.DateTimeField(null=True)
    last_synced_at = models.DateTimeField(null=True)
    last_event_at = models.DateTimeField(null=True)
    reconcile_at = models.DateTimeField(null=True)
    # The last view of the mailbox by the owner or a feature, within minutes; not by whom.
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
    """A quarantined message. Shown, and never blocks others."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    integration = models.ForeignKey(Integration, on_delete=models.PROTECT, related_name="+")
    remote_blind = models.BinaryField(max_length=32)
    # The provider's id, for retries.
    remote_id = SealedField(data_class=DataClass.MAIL_METADATA, holder="integration_id")
    # Our own word (`too-deep`, `undecodable`, …), never the provider's text.
    reason = models.CharField(max_length=32)
    try_count = models.PositiveIntegerField(default=1)
    first_seen_at = models.DateTimeField()
    last_tried_at = models.DateTimeField()
    # The next fetch of a delayed message; null for others.
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
