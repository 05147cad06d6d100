"""
Baseline of the purge: the tables of a mailbox in plain, with Django's own cascade.

Same columns, same bytes and same indexes as `integrations.models`; what is a reference there is a
foreign key here that Django follows itself.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import CASCADE, F

from accounts.ids import uuid7


class _Named(models.Model):
    class Meta:
        abstract = True
        app_label = "bench"

    def __str__(self) -> str:
        return str(self.pk)


class Box(_Named):
    id = models.UUIDField(primary_key=True, default=uuid7)

    class Meta:
        app_label = "bench"


class _InBox(_Named):
    id = models.UUIDField(primary_key=True, default=uuid7)
    # Indexed together with `id` below, as in ours.
    integration = models.ForeignKey(Box, on_delete=CASCADE, related_name="+", db_index=False)
    user_id = models.UUIDField()
    organisation_id = models.UUIDField()
    remote_blind = models.BinaryField()
    has_attachments = models.BooleanField()
    is_starred = models.BooleanField()

    class Meta:
        abstract = True
        app_label = "bench"


class BoxThread(_InBox):
    first_received_at = models.DateTimeField()
    last_received_at = models.DateTimeField()
    last_message_id = models.UUIDField()
    message_count = models.PositiveIntegerField()
    unread_count = models.PositiveIntegerField()

    class Meta:
        app_label = "bench"
        unique_together = [("integration", "remote_blind")]
        indexes = [
            models.Index(
                F("user_id"), F("organisation_id"), F("last_received_at").desc(), F("id").desc(),
                name="box_thread_order",
            ),
            models.Index(fields=["integration", "id"], name="box_thread_by_integration"),
        ]  # fmt: skip


class BoxMessage(_InBox):
    thread = models.ForeignKey(BoxThread, on_delete=CASCADE, related_name="+")
    rfc822_blind = models.BinaryField(null=True)
    received_at = models.DateTimeField()
    size = models.PositiveIntegerField()
    is_unread = models.BooleanField()
    folders = ArrayField(models.CharField(max_length=32), default=list)
    seen_round = models.PositiveIntegerField()
    synced_at = models.DateTimeField()
    summary = models.BinaryField()
    labels = models.BinaryField(null=True)

    class Meta:
        app_label = "bench"
        unique_together = [("integration", "remote_blind")]
        indexes = [
            models.Index(
                F("user_id"), F("organisation_id"), F("received_at").desc(), F("id").desc(),
                name="box_message_order",
            ),
            models.Index(fields=["integration", "id"], name="box_message_by_integration"),
        ]  # fmt: skip


class BoxMessageBody(_Named):
    message = models.OneToOneField(
        BoxMessage, on_delete=CASCADE, primary_key=True, related_name="+"
    )
    integration_id = models.UUIDField(db_index=True)
    content = models.BinaryField()
    shown = models.BinaryField(null=True)
    shown_version = models.PositiveSmallIntegerField()

    class Meta:
        app_label = "bench"


class BoxAttachment(_Named):
    id = models.UUIDField(primary_key=True, default=uuid7)
    message = models.ForeignKey(BoxMessage, on_delete=CASCADE, related_name="+")
    integration_id = models.UUIDField(db_index=True)
    position = models.PositiveSmallIntegerField()
    size = models.PositiveBigIntegerField()
    is_inline = models.BooleanField()
    descriptor = models.BinaryField()

    class Meta:
        app_label = "bench"
        unique_together = [("message", "position")]
