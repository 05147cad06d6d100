"""Platform features that read data, and the removals that they have to acknowledge."""

from __future__ import annotations

from typing import Final, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from accounts.ids import uuid7

from .connection import Integration

#: Items that one removal names at most.
MAX_REMOVED_ITEMS: Final = 500


class FeatureRead(models.Model):
    """A platform feature received data of an integration, at least once."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    integration = models.ForeignKey(Integration, on_delete=models.PROTECT, related_name="+")
    user_id = models.UUIDField()
    organisation_id = models.UUIDField()
    feature = models.CharField(max_length=64)
    # The delegation of the last read.
    delegation_id = models.UUIDField()
    first_read_at = models.DateTimeField()
    # Exact to the minute.
    last_read_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["integration", "feature"], name="feature_read_once_per_integration"
            ),
            models.CheckConstraint(
                condition=Q(last_read_at__gte=F("first_read_at")),
                name="feature_read_last_after_first",
            ),
        ]
        indexes = [models.Index(fields=["delegation_id"], name="feature_read_by_delegation")]

    def __str__(self) -> str:
        return f"FeatureRead {self.pk}"


class RemovalReason(models.TextChoices):
    # The integration was disconnected, or the agreement to its copy was withdrawn.
    DISCONNECTED = "disconnected"
    WITHDRAWN = "withdrawn"
    # The person switched the feature off.
    SWITCHED_OFF = "switched_off"
    # The provider no longer has these items.
    DELETED_AT_PROVIDER = "deleted_at_provider"
    # Antares no longer keeps these items: they are too old, or their owner deleted the copy.
    NO_LONGER_KEPT = "no_longer_kept"

    @classmethod
    def of_items(cls) -> tuple[RemovalReason, ...]:
        """Return the reasons of removals that name items."""
        return (cls.DELETED_AT_PROVIDER, cls.NO_LONGER_KEPT)


class FeatureRemovalQuerySet(models.QuerySet["FeatureRemoval"]):
    def open(self) -> Self:
        return self.filter(acknowledged_at=None)


class FeatureRemoval(models.Model):
    """
    What a platform feature has to delete, and whether it has said that it did.

    Outlives the removed rows; contains only ids of ours and times.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    feature = models.CharField(max_length=64)
    user_id = models.UUIDField()
    organisation_id = models.UUIDField()
    # Not keys of rows: they stay when the rows are gone.
    connection_id = models.UUIDField()
    integration_id = models.UUIDField()
    product = models.CharField(max_length=16)
    delegation_id = models.UUIDField()
    reason = models.CharField(max_length=24, choices=RemovalReason)
    # Ids of messages, events or calendars; empty: everything of the integration.
    item_ids = ArrayField(models.UUIDField(), default=list, size=MAX_REMOVED_ITEMS)
    last_read_at = models.DateTimeField()
    issued_at = models.DateTimeField()
    # Later, the feature's tokens are refused.
    due_at = models.DateTimeField()
    # When a client of the feature first received it; it does not change after this.
    listed_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)

    objects = models.Manager.from_queryset(FeatureRemovalQuerySet)()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(due_at__gt=F("issued_at")), name="removal_due_after_issue"
            ),
            models.CheckConstraint(
                condition=Q(reason__in=list(RemovalReason.values)), name="removal_reason_known"
            ),
            models.CheckConstraint(
                condition=Q(reason__in=RemovalReason.of_items()) & ~Q(item_ids=[])
                | ~Q(reason__in=RemovalReason.of_items()) & Q(item_ids=[]),
                name="removal_names_items_iff_some",
            ),
            # Disconnecting twice owes a feature one removal.
            models.UniqueConstraint(
                fields=["integration_id", "feature", "reason", "delegation_id"],
                condition=Q(acknowledged_at=None) & ~Q(reason__in=RemovalReason.of_items()),
                name="removal_open_once_per_reason",
            ),
        ]
        indexes = [
            models.Index(
                fields=["feature", "id"],
                condition=Q(acknowledged_at=None),
                name="removal_open_by_feature",
            ),
            models.Index(fields=["integration_id", "id"], name="removal_of_integration"),
            models.Index(fields=["user_id", "-id"], name="removal_of_person"),
            models.Index(fields=["acknowledged_at"], name="removal_by_age"),
        ]

    def __str__(self) -> str:
        return f"FeatureRemoval {self.pk}"
