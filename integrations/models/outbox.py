"""
The outbox: durable commands, and reports about their messages.

A command is a row before anything reaches the provider, and `OutboxState` tells what is known.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, Self
from uuid import UUID

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
    # The message was not found in the mailbox, and may have been sent.
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

    def lock_unsent_notices(self) -> list[UUID | None]:
        """
        Lock the commands that have not been sent, and return the ids of their notices.

        Workers lock a command before its notice, too.
        """
        unsent = self.filter(state__in=UNSENT_STATES)
        locked = unsent.select_for_update(no_key=True).order_by("id")
        return list(locked.values_list("notice_id", flat=True))

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
