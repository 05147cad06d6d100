"""What a provider was asked to tell us of: one row for each thing of an integration's."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from accounts.ids import uuid7
from limited_use.policy.vocabulary import DataClass
from limited_use.vault.fields import SealedField

from .connection import Connection, Integration


class WatchKind(models.TextChoices):
    # A mailbox, through a topic of ours; renewed in place. It is found by its address.
    TOPIC = "topic"
    # A channel by which we are called; followed by another one. It is found by its id.
    CHANNEL = "channel"


class WatchStatus(models.TextChoices):
    # To be started, or started again.
    WANTED = "wanted"
    # The provider said that it tells us, until `expires_at`.
    LIVE = "live"
    # Another has taken its place, or nobody wants it: to be stopped, and forgotten.
    LEAVING = "leaving"


class Watch(models.Model):
    """
    One watch at the provider.

    The row is there before the provider is asked, because its first word may precede its answer.
    Worked on under a lease, as a sync is.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    integration = models.ForeignKey(Integration, on_delete=models.PROTECT, related_name="+")
    # Whose key seals what it is stopped by, which must outlive the integration's own key.
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="+")
    # As in the sync work of the same thing.
    resource = models.CharField(max_length=64)
    kind = models.CharField(max_length=16, choices=WatchKind)
    status = models.CharField(max_length=16, choices=WatchStatus, default=WatchStatus.WANTED)
    # Of the mailbox's address, or of the channel's id, under the directory key.
    lookup_blind = models.BinaryField(max_length=32, null=True)
    # What the provider calls the thing that a channel is about, as its calls name it; likewise.
    resource_blind = models.BinaryField(max_length=32, null=True)
    # JSON: the channel's id and the provider's, which it is stopped by.
    channel = SealedField(data_class=DataClass.CREDENTIAL, holder="connection_id", null=True)

    wanted_at = models.DateTimeField()
    # Since when the provider tells, and until when it does unless it is asked again.
    started_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    # When there is something to do about it: start, renew, stop.
    due_at = models.DateTimeField()
    failure_count = models.PositiveIntegerField(default=0)
    # How often in a row, until now, the provider rejected our address for notifications.
    rejected_count = models.PositiveIntegerField(default=0)
    lease_by = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    # When the provider last told something, and since when it is known not to.
    last_event_at = models.DateTimeField(null=True)
    silent_since = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=WatchStatus.values), name="watch_status_known"
            ),
            models.CheckConstraint(condition=Q(kind__in=WatchKind.values), name="watch_kind_known"),
            # At most one that is on its way, beside one that is there.
            models.UniqueConstraint(
                fields=["integration", "resource"],
                condition=Q(status=WatchStatus.WANTED),
                name="watch_one_wanted_per_resource",
            ),
            models.UniqueConstraint(
                fields=["integration", "resource"],
                condition=Q(status=WatchStatus.LIVE),
                name="watch_one_live_per_resource",
            ),
            models.UniqueConstraint(
                fields=["lookup_blind"],
                condition=Q(kind=WatchKind.CHANNEL),
                name="watch_one_per_channel",
            ),
            models.CheckConstraint(
                condition=~Q(status=WatchStatus.LIVE)
                | Q(
                    lookup_blind__isnull=False,
                    started_at__isnull=False,
                    expires_at__isnull=False,
                ),
                name="watch_live_is_found_and_has_an_end",
            ),
            models.CheckConstraint(
                condition=Q(lease_by=None, lease_until=None)
                | Q(lease_by__isnull=False, lease_until__isnull=False),
                name="watch_lease_is_whole",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], name="watch_due"),
            models.Index(fields=["lookup_blind"], name="watch_by_blind"),
            models.Index(fields=["integration", "resource"], name="watch_by_resource"),
        ]

    def __str__(self) -> str:
        return f"{self.resource} watch {self.id}"
