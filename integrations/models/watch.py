from __future__ import annotations

from django.db import models
from django.db.models import Q

from accounts.ids import uuid7
from limited_use.policy.policy_vocabulary import DataClass
from limited_use.vault.fields import SealedField

from .connection import Connection, Integration


class WatchKind(models.TextChoices):
    # A mailbox, by a Pub/Sub topic; renewed in place. Found by its address.
    TOPIC = "topic"
    # A webhook channel; replaced by a new one. Found by its id.
    CHANNEL = "channel"


class WatchStatus(models.TextChoices):
    # To be started or restarted.
    WANTED = "wanted"
    # The provider sends notifications until `expires_at`.
    LIVE = "live"
    # Replaced or no longer needed: to be stopped and deleted.
    LEAVING = "leaving"


class Watch(models.Model):
    """
    The row is created before the request to the provider, because the first notification may
    precede the response. Processed under a lease, like a sync.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    integration = models.ForeignKey(Integration, on_delete=models.PROTECT, related_name="+")
    # The holder of `channel`'s key, which must outlive the integration's own key.
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="+")
    # As in the `SyncWork` of the same resource.
    resource = models.CharField(max_length=64)
    kind = models.CharField(max_length=16, choices=WatchKind)
    status = models.CharField(max_length=16, choices=WatchStatus, default=WatchStatus.WANTED)
    # A keyed hash of the mailbox's address or the channel's id, under the directory key.
    lookup_blind = models.BinaryField(max_length=32, null=True)
    # A keyed hash of the provider's id for the watched resource, as in its notifications.
    resource_blind = models.BinaryField(max_length=32, null=True)
    # JSON: the channel's id and the provider's, for stopping it.
    channel = SealedField(data_class=DataClass.CREDENTIAL, holder="connection_id", null=True)

    wanted_at = models.DateTimeField()
    # Notifications are sent from `started_at` to `expires_at`, unless renewed.
    started_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    # The next action: start, renew or stop.
    due_at = models.DateTimeField()
    failure_count = models.PositiveIntegerField(default=0)
    # Consecutive rejections of our notification address by the provider.
    rejected_count = models.PositiveIntegerField(default=0)
    lease_by = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    # The last notification, and since when the watch is known to be silent.
    last_event_at = models.DateTimeField(null=True)
    silent_since = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=WatchStatus.values), name="watch_status_known"
            ),
            models.CheckConstraint(condition=Q(kind__in=WatchKind.values), name="watch_kind_known"),
            # At most one wanted watch in addition to a live one.
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
