"""
Stored mail, sealed except for ids, times, sizes, counts, flags and system labels.

Rows repeat `user_id` and `organisation_id`, so that one index pages an inbox over many mailboxes.
"""

from __future__ import annotations

from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F

from accounts.ids import uuid7
from limited_use.policy.policy_vocabulary import DataClass
from limited_use.vault.fields import SealedField

from .connection import Integration


class Thread(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # No index of its own: the purge walks (integration, id); other queries have their own.
    integration = models.ForeignKey(
        Integration, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    user_id = models.UUIDField()
    organisation_id = models.UUIDField()
    remote_blind = models.BinaryField(max_length=32)
    # Derived from the thread's messages in the transaction that writes them.
    first_received_at = models.DateTimeField()
    last_received_at = models.DateTimeField()
    last_message_id = models.UUIDField()
    message_count = models.PositiveIntegerField()
    unread_count = models.PositiveIntegerField()
    has_attachments = models.BooleanField()
    is_starred = models.BooleanField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["integration", "remote_blind"], name="thread_once_per_integration"
            ),
        ]
        indexes = [
            models.Index(
                F("user_id"),
                F("organisation_id"),
                F("last_received_at").desc(),
                F("id").desc(),
                name="thread_inbox_order",
            ),
            models.Index(fields=["integration", "id"], name="thread_by_integration"),
        ]

    def __str__(self) -> str:
        return f"thread {self.id}"


class Message(models.Model):
    """
    `summary` opens to JSON: provider_id, provider_thread_id, message_id (RFC 5322), subject,
    snippet, from/to/cc/bcc/reply_to as [[name, address], …], attachments as [id, filename,
    content_type, size, is_inline].
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # No index of its own: the purge walks (integration, id); other queries have their own.
    integration = models.ForeignKey(
        Integration, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    thread = models.ForeignKey(Thread, on_delete=models.DO_NOTHING, related_name="messages")
    user_id = models.UUIDField()
    organisation_id = models.UUIDField()
    # Keyed hashes under the integration's own key; destroyed with it.
    remote_blind = models.BinaryField(max_length=32)
    rfc822_blind = models.BinaryField(max_length=32, null=True)
    received_at = models.DateTimeField()
    size = models.PositiveIntegerField()
    is_unread = models.BooleanField()
    is_starred = models.BooleanField()
    has_attachments = models.BooleanField()
    # System labels in our vocabulary: inbox, sent, drafts, important, archive, …
    folders = ArrayField(models.CharField(max_length=32), default=list)
    # The last snapshot round with this message. A finished round sweeps those of earlier rounds.
    seen_round = models.PositiveIntegerField()
    synced_at = models.DateTimeField()
    summary = SealedField(data_class=DataClass.MAIL_METADATA, holder="integration_id")
    # JSON list of the user's own label ids; null if none. `SyncWork.label_names` has the names.
    # Separate from the summary, because labels change alone: a sync reseals them and opens
    # nothing.
    labels = SealedField(data_class=DataClass.MAIL_METADATA, holder="integration_id", null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["integration", "remote_blind"], name="message_once_per_integration"
            ),
        ]
        indexes = [
            models.Index(
                F("user_id"),
                F("organisation_id"),
                F("received_at").desc(),
                F("id").desc(),
                name="message_inbox_order",
            ),
            models.Index(fields=["integration", "id"], name="message_by_integration"),
        ]

    def __str__(self) -> str:
        return f"message {self.id}"


class MessageBody(models.Model):
    """
    A separate table keeps lists narrow.

    `content` opens to JSON: text, html (unsanitised; never shown), headers as [[name, value], …],
    inline parts as [part, content type] by content id, and whether the message is reconstructed
    from the provider's properties.

    `shown` opens to JSON: pieces (safe HTML), pictures (one between each two pieces, as [part,
    content type], or null if missing), text (plain). Views sanitise `shown` again if
    `shown_version`, of `integrations.formats.mime.safe_bodies`, is old.
    """

    # The constraint is in migrations/sql/message_cascades.sql: the database deletes the body.
    message = models.OneToOneField(
        Message,
        on_delete=models.DO_NOTHING,
        primary_key=True,
        related_name="body",
        db_constraint=False,
    )
    integration_id = models.UUIDField()
    content = SealedField(data_class=DataClass.MAIL_CONTENT, holder="integration_id")
    shown = SealedField(data_class=DataClass.MAIL_CONTENT, holder="integration_id", null=True)
    shown_version = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name_plural = "message bodies"
        # Only the purge asks for remaining rows. With the key, which is its order: otherwise
        # PostgreSQL walks the whole table by primary key.
        indexes = [models.Index(fields=["integration_id", "message"], name="body_of_integration")]

    def __str__(self) -> str:
        return f"body of message {self.message_id}"

    @property
    def id(self) -> UUID:
        """The row id to which the ciphertext is bound."""
        return self.message_id


class Attachment(models.Model):
    """
    An attachment; its bytes are fetched on demand.

    `descriptor` opens to JSON: filename, content_type, content_id, part.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # As for a body: the constraint is in migrations/sql/message_cascades.sql.
    message = models.ForeignKey(
        Message, on_delete=models.DO_NOTHING, related_name="attachments", db_constraint=False
    )
    integration_id = models.UUIDField()
    position = models.PositiveSmallIntegerField()
    size = models.PositiveBigIntegerField()
    is_inline = models.BooleanField()
    descriptor = SealedField(data_class=DataClass.MAIL_METADATA, holder="integration_id")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["message", "position"], name="attachment_once_per_position"
            ),
        ]
        indexes = [
            models.Index(fields=["integration_id", "id"], name="attachment_of_integration"),
        ]

    def __str__(self) -> str:
        return f"attachment {self.position} of message {self.message_id}"
