"""What sending needs besides the outbox: proposed drafts, settings, and counts of messages."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from accounts.ids import uuid7
from limited_use.policy.policy_vocabulary import DataClass
from limited_use.vault.fields import SealedField

from .connection import Integration


class DraftProposal(models.Model):
    """
    A draft that a platform feature proposes to the owner, who alone can send it.

    `content` opens to JSON, as that of a command.

    :ivar template_blind: keyed hash of the text's template, which many owners may not receive
    :ivar opened_at: when the owner first opened it
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    integration = models.ForeignKey(Integration, on_delete=models.PROTECT, related_name="+")
    user_id = models.UUIDField()
    organisation_id = models.UUIDField()
    feature = models.CharField(max_length=64)
    delegation_id = models.UUIDField()
    template_blind = models.BinaryField(max_length=32)
    recipient_count = models.PositiveSmallIntegerField()
    replied_message_id = models.UUIDField(null=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True)
    content = SealedField(data_class=DataClass.MAIL_CONTENT, holder="integration_id")

    class Meta:
        indexes = [
            models.Index(fields=["expires_at"], name="proposal_by_end"),
            models.Index(fields=["user_id", "organisation_id", "-id"], name="proposal_of_owner"),
            models.Index(fields=["integration", "id"], name="proposal_of_integration"),
        ]

    def __str__(self) -> str:
        return f"proposal {self.id}"


class SendingSettings(models.Model):
    """
    The owner's choices for one mailbox.

    :ivar undo_seconds: how long a message waits before it leaves
    :ivar signature: plain text; null: the provider's, if it has one
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    integration = models.OneToOneField(Integration, on_delete=models.PROTECT, related_name="+")
    user_id = models.UUIDField()
    organisation_id = models.UUIDField()
    undo_seconds = models.PositiveSmallIntegerField(default=10)
    signature = SealedField(data_class=DataClass.MAIL_CONTENT, holder="integration_id", null=True)

    class Meta:
        verbose_name_plural = "sending settings"
        constraints = [
            models.CheckConstraint(
                condition=Q(undo_seconds__in=[5, 10, 20, 30]), name="sending_undo_seconds_offered"
            ),
        ]

    def __str__(self) -> str:
        return f"sending settings of {self.integration_id}"


class OutgoingKind(models.TextChoices):
    MAIL = "mail"
    INVITATION = "invitation"


class OutgoingCount(models.Model):
    """That a person sent something: counted for the bounds of a day, then deleted."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user_id = models.UUIDField()
    organisation_id = models.UUIDField()
    kind = models.CharField(max_length=16, choices=OutgoingKind)
    recipient_count = models.PositiveSmallIntegerField()
    counted_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(
                fields=["user_id", "organisation_id", "counted_at"], name="outgoing_count_of_person"
            ),
            models.Index(fields=["counted_at"], name="outgoing_count_by_age"),
        ]

    def __str__(self) -> str:
        return f"outgoing {self.kind} {self.id}"
