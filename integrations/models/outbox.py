"""
The outbox: durable commands, uploaded files, proposed drafts, and counts of outgoing messages.

A command is a row before anything reaches the provider, and `OutboxState` tells what is known.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, Self

from django.db import models
from django.db.models import Q

from accounts.ids import uuid7
from limited_use.policy.policy_vocabulary import DataClass
from limited_use.vault.fields import SealedField

from .connection import Integration


class OutboxKind(models.TextChoices):
    # A message of the owner.
    MAIL = "mail"
    # A notification to the account's own address.
    NOTICE = "notice"


class OutboxState(models.TextChoices):
    # Nothing is at the provider. Until `undo_until`, the owner may undo.
    WAITING = "waiting"
    # The provider has a draft.
    DRAFTED = "drafted"
    # Committed before the provider is asked to send. Only a look into the mailbox ends it.
    SENDING = "sending"
    # The mailbox shows the sent message.
    SENT = "sent"
    # It was not sent, for `problem`.
    FAILED = "failed"
    # Nothing shows whether it was sent: the owner decides.
    UNKNOWN = "unknown"
    # The owner took it back. Its text is kept for a later try.
    UNDONE = "undone"


class OutboxProblem(models.TextChoices):
    """Why a command failed, or is unknown."""

    NONE = ""
    # The provider refuses the message.
    REJECTED = "rejected"
    RECIPIENT_REJECTED = "recipient_rejected"
    SENDER_REJECTED = "sender_rejected"
    TOO_LARGE = "too_large"
    # The grant does not cover sending.
    SCOPE_MISSING = "scope_missing"
    GRANT_ENDED = "grant_ended"
    ADMIN_BLOCKED = "admin_blocked"
    # The provider refused for longer than the outbox tries.
    UNAVAILABLE = "unavailable"
    # The provider's own limit of messages was reached for longer than the outbox tries.
    RATE_LIMITED = "rate_limited"
    # The owner withdrew the agreement to sending, left the organisation or switched the kind off.
    STOPPED = "stopped"
    # The answered message, or a forwarded file, no longer exists.
    SOURCE_GONE = "source_gone"
    # The draft was changed or deleted at the provider before it was sent.
    DRAFT_CHANGED = "draft_changed"
    # The database came back from a backup: the row may be older than the mailbox.
    RESTORED = "restored"
    # The mailbox shows neither the sent message nor the draft.
    NOT_FOUND = "not_found"
    # The work crashed three times in a row, or what is stored cannot be opened.
    CRASHED = "crashed"


#: A worker still has to do something.
OPEN_STATES: Final = (OutboxState.WAITING, OutboxState.DRAFTED, OutboxState.SENDING)
#: Nothing has reached the provider, or only a draft.
UNSENT_STATES: Final = (OutboxState.WAITING, OutboxState.DRAFTED)


class OutboxCommandQuerySet(models.QuerySet["OutboxCommand"]):
    def perhaps_sent(self) -> Self:
        return self.filter(state__in=[OutboxState.SENDING, OutboxState.UNKNOWN])

    def stop(self, *, at: datetime) -> int:
        """
        Stop commands that have not been sent, and return how many. A worker that holds one loses
        its lease before it sends.

        What may be on its way is not stopped.
        """
        return self.filter(state__in=UNSENT_STATES).update(
            state=OutboxState.FAILED,
            problem=OutboxProblem.STOPPED,
            due_at=None,
            changed_at=at,
            lease_by=None,
            lease_until=None,
        )


class OutboxCommand(models.Model):
    """
    `content` opens to JSON (see `integrations.outbox.command_content`), and is emptied once the
    message is sent. `remote` opens to JSON: the provider's ids of the draft, and its history id.

    :ivar due_at: when a worker acts next; null when none has to
    :ivar claim_number: counts claims: a worker with an older number writes nothing
    :ivar rfc822_blind: of the Message-ID that the provider gave, for bounces
    :ivar replied_message_id: the answered message, ours
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    integration = models.ForeignKey(Integration, on_delete=models.PROTECT, related_name="+")
    user_id = models.UUIDField()
    organisation_id = models.UUIDField()
    kind = models.CharField(max_length=16, choices=OutboxKind)
    state = models.CharField(max_length=16, choices=OutboxState, default=OutboxState.WAITING)
    problem = models.CharField(
        max_length=24, choices=OutboxProblem, blank=True, default=OutboxProblem.NONE
    )
    recipient_count = models.PositiveSmallIntegerField()
    file_count = models.PositiveSmallIntegerField(default=0)
    # Of a notification: the key of its kind, and its row. It has no content of its own.
    notice_kind = models.CharField(max_length=32, blank=True, default="")
    notice_id = models.UUIDField(null=True)
    # The feature whose proposal the owner sent; empty without one.
    proposed_by = models.CharField(max_length=64, blank=True, default="")
    replied_message_id = models.UUIDField(null=True)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    undo_until = models.DateTimeField()
    due_at = models.DateTimeField(null=True)
    lease_by = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    claim_number = models.PositiveIntegerField(default=0)
    crash_count = models.PositiveSmallIntegerField(default=0)
    # Since when the provider could not be asked; null while it answers.
    failing_since = models.DateTimeField(null=True)
    sending_at = models.DateTimeField(null=True)
    # The first look that showed the intact draft and no sent message.
    unsent_look_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    bounced_at = models.DateTimeField(null=True)
    # Our id of the delivery report.
    bounce_message_id = models.UUIDField(null=True)
    rfc822_blind = models.BinaryField(max_length=32, null=True)
    content = SealedField(data_class=DataClass.MAIL_CONTENT, holder="integration_id", null=True)
    remote = SealedField(data_class=DataClass.MAIL_METADATA, holder="integration_id", null=True)

    objects = models.Manager.from_queryset(OutboxCommandQuerySet)()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=OutboxKind.values), name="outbox_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(state__in=OutboxState.values), name="outbox_state_known"
            ),
            models.CheckConstraint(
                condition=Q(problem__in=OutboxProblem.values), name="outbox_problem_known"
            ),
            models.CheckConstraint(
                condition=Q(state__in=OPEN_STATES, due_at__isnull=False)
                | (~Q(state__in=OPEN_STATES) & Q(due_at=None)),
                name="outbox_due_while_open",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=[OutboxState.SENDING, OutboxState.SENT])
                | Q(sending_at__isnull=False),
                name="outbox_sending_was_committed",
            ),
            models.CheckConstraint(
                condition=Q(state=OutboxState.SENT, sent_at__isnull=False)
                | (~Q(state=OutboxState.SENT) & Q(sent_at=None)),
                name="outbox_sent_at_iff_sent",
            ),
            models.CheckConstraint(
                condition=Q(state__in=[OutboxState.FAILED, OutboxState.UNKNOWN])
                | Q(problem=OutboxProblem.NONE),
                name="outbox_problem_of_a_failure",
            ),
            models.CheckConstraint(
                condition=Q(lease_by=None, lease_until=None)
                | Q(lease_by__isnull=False, lease_until__isnull=False),
                name="outbox_lease_is_whole",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], name="outbox_due", condition=Q(due_at__isnull=False)),
            models.Index(fields=["user_id", "organisation_id", "-id"], name="outbox_of_owner"),
            models.Index(fields=["integration", "id"], name="outbox_of_integration"),
            models.Index(fields=["rfc822_blind"], name="outbox_by_message_id"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} command {self.id}"


class DeliveryReport(models.Model):
    """
    A delivery report that was stored before its message was seen as sent.

    :ivar rfc822_blind: of a Message-ID that the report is about
    :ivar message_id: our id of the report
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    integration = models.ForeignKey(Integration, on_delete=models.PROTECT, related_name="+")
    rfc822_blind = models.BinaryField(max_length=32)
    message_id = models.UUIDField()
    stored_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["integration", "rfc822_blind"], name="delivery_report_once_per_message"
            ),
        ]
        indexes = [models.Index(fields=["stored_at"], name="delivery_report_by_age")]

    def __str__(self) -> str:
        return f"delivery report {self.id}"


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
