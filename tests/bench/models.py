"""
Baselines: the rows of `integrations.models.mail`, without sealing, guard and ledger.

Same columns, same index for the page's order; what is sealed there stands here as it is.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F
from encrypted_fields.fields import EncryptedTextField

from accounts.ids import uuid7
from tests.bench.boxes import Box, BoxAttachment, BoxMessage, BoxMessageBody, BoxThread
from tests.bench.chains import Deed, Link

__all__ = [
    "Box",
    "BoxAttachment",
    "BoxMessage",
    "BoxMessageBody",
    "BoxThread",
    "ColumnMessage",
    "Deed",
    "FernetMessage",
    "Link",
    "PlainBody",
    "PlainEvent",
    "PlainMessage",
    "PlainText",
    "PlainThread",
]


class _Row(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    integration_id = models.UUIDField()
    thread_id = models.UUIDField()
    user_id = models.UUIDField()
    organisation_id = models.UUIDField()
    received_at = models.DateTimeField()
    size = models.PositiveIntegerField()
    is_unread = models.BooleanField()
    is_starred = models.BooleanField()
    has_attachments = models.BooleanField()
    folders = ArrayField(models.CharField(max_length=32), default=list)
    seen_round = models.PositiveIntegerField()
    synced_at = models.DateTimeField()

    class Meta:
        abstract = True
        app_label = "bench"

    def __str__(self) -> str:
        return f"message {self.id}"


def _inbox_order(name: str) -> models.Index:
    return models.Index(
        F("user_id"), F("organisation_id"), F("received_at").desc(), F("id").desc(), name=name
    )


class PlainMessage(_Row):
    remote_id = models.CharField(max_length=64)
    # What `Message.summary` and `Message.labels` seal, as JSON text.
    summary = models.TextField()
    labels = models.TextField(null=True)  # noqa: DJ001 - as in ours: none is not an empty list

    class Meta:
        app_label = "bench"
        indexes = [_inbox_order("plain_message_order")]


class PlainBody(models.Model):
    message = models.OneToOneField(
        PlainMessage, on_delete=models.CASCADE, primary_key=True, related_name="body"
    )
    content = models.TextField()

    class Meta:
        app_label = "bench"

    def __str__(self) -> str:
        return f"body of message {self.message_id}"


class PlainText(models.Model):
    """What `MessageBody.shown` seals, without the original."""

    message = models.OneToOneField(
        PlainMessage, on_delete=models.CASCADE, primary_key=True, related_name="shown_text"
    )
    integration_id = models.UUIDField()
    shown = models.TextField()

    class Meta:
        app_label = "bench"

    def __str__(self) -> str:
        return f"text of message {self.message_id}"


class PlainThread(models.Model):
    """`integrations.models.Thread`, which seals nothing."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    integration_id = models.UUIDField()
    user_id = models.UUIDField()
    organisation_id = models.UUIDField()
    first_received_at = models.DateTimeField()
    last_received_at = models.DateTimeField()
    message_count = models.PositiveIntegerField()
    unread_count = models.PositiveIntegerField()
    has_attachments = models.BooleanField()
    is_starred = models.BooleanField()

    class Meta:
        app_label = "bench"

    def __str__(self) -> str:
        return f"thread {self.id}"


class PlainEvent(models.Model):
    """`integrations.models.Event`, with the records that it seals as JSON text."""

    id = models.UUIDField(primary_key=True, editable=False)
    calendar_id = models.UUIDField()
    kind = models.CharField(max_length=16)
    event_id = models.CharField(max_length=64)
    series_id = models.CharField(max_length=64)
    first_week = models.IntegerField()
    last_week = models.IntegerField(null=True)
    is_busy = models.BooleanField()
    is_private = models.BooleanField()
    timing = models.TextField()
    content = models.TextField(null=True)  # noqa: DJ001 - of what is cancelled there is none
    etag = models.CharField(max_length=64)
    user_id = models.UUIDField()
    organisation_id = models.UUIDField()
    remote = models.TextField(null=True)  # noqa: DJ001 - of what is cancelled there is none

    class Meta:
        app_label = "bench"
        indexes = [
            models.Index(
                fields=["calendar_id", "last_week", "first_week"], name="plain_event_by_week"
            )
        ]

    def __str__(self) -> str:
        return f"event {self.id}"


class FernetMessage(_Row):
    """The same page with the packaged encrypted field, which opens on every read."""

    summary = EncryptedTextField()
    labels = EncryptedTextField(null=True)

    class Meta:
        app_label = "bench"
        indexes = [_inbox_order("fernet_message_order")]


class ColumnMessage(_Row):
    """One column per field of the page, as `ModelSerializer` would have it."""

    connection_id = models.UUIDField()
    subject = models.TextField()
    snippet = models.TextField()
    sender = models.JSONField()
    to = models.JSONField()
    cc = models.JSONField()
    bcc = models.JSONField()
    reply_to = models.JSONField()
    labels = models.JSONField()

    class Meta:
        app_label = "bench"
        indexes = [_inbox_order("column_message_order")]
