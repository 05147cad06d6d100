"""Files that owners upload, to send them with a message of the outbox."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from accounts.ids import uuid7
from limited_use.policy.policy_vocabulary import DataClass
from limited_use.vault.fields import SealedField

from .connection import Integration


class Upload(models.Model):
    """
    A file on its way from the browser to the provider.

    `descriptor` opens to JSON: filename, content_type.

    :ivar command_id: the command that sends it; null while the owner still writes
    :ivar size: announced, in bytes
    :ivar received: bytes stored so far
    :ivar expires_at: when it is deleted, unless a command sends it
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    integration = models.ForeignKey(Integration, on_delete=models.PROTECT, related_name="+")
    user_id = models.UUIDField()
    organisation_id = models.UUIDField()
    command_id = models.UUIDField(null=True)
    size = models.PositiveBigIntegerField()
    received = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    lease_by = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    descriptor = SealedField(data_class=DataClass.MAIL_METADATA, holder="integration_id")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(received__lte=models.F("size")), name="upload_within_its_size"
            ),
            models.CheckConstraint(
                condition=Q(lease_by=None, lease_until=None)
                | Q(lease_by__isnull=False, lease_until__isnull=False),
                name="upload_lease_is_whole",
            ),
        ]
        indexes = [
            models.Index(fields=["expires_at"], name="upload_by_end"),
            models.Index(fields=["command_id"], name="upload_of_command"),
            models.Index(fields=["integration", "id"], name="upload_of_integration"),
        ]

    def __str__(self) -> str:
        return f"upload {self.id}"


class UploadChunk(models.Model):
    """One sealed piece of an upload. `offset` and `size` in bytes of the file."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # `outbox.uploads` deletes the upload first, which stops a request that writes to it.
    upload = models.ForeignKey(Upload, on_delete=models.DO_NOTHING, related_name="chunks")
    integration_id = models.UUIDField()
    user_id = models.UUIDField()
    organisation_id = models.UUIDField()
    offset = models.PositiveBigIntegerField()
    size = models.PositiveIntegerField()
    content = SealedField(data_class=DataClass.MAIL_CONTENT, holder="integration_id")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["upload", "offset"], name="upload_chunk_once"),
        ]
        indexes = [
            models.Index(fields=["integration_id", "id"], name="upload_chunk_of_integration")
        ]

    def __str__(self) -> str:
        return f"chunk {self.offset} of upload {self.upload_id}"
