"""Notices: the stages of a connection, the rows of people's pages, and their choices."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from accounts.ids import uuid7

from .connection import Connection, Integration


class NoticeKind(models.TextChoices):
    RECONNECT = "reconnect"
    RECONNECT_AGAIN = "reconnect_again"
    RECONNECT_LAST = "reconnect_last"
    PURGED = "purged"


class Notice(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=24, choices=NoticeKind)
    # The start of the episode: one notice per episode and kind.
    about_since = models.DateTimeField()
    told_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "kind", "about_since"], name="notice_once_per_episode"
            ),
        ]

    def __str__(self) -> str:
        return f"notice {self.kind} of {self.connection_id}"


class OwnerNotice(models.Model):
    """
    A notice on a person's page: words of closed lists, ids of ours and times.

    :ivar message: key of a `limited_use.notifications.message_kinds.PlatformMessageKind`
    :ivar about: the subject, an id of ours
    :ivar episode_at: tells a new notice about a subject from a repeated one
    :ivar provider: a key of the registry of providers, or empty
    :ivar product: a key of the provider's products, or empty
    :ivar until: the deadline that the notice names
    :ivar reason: a `SupportReason`, or empty
    :ivar resolved_at: when its cause ended; the page then shows it as done
    :ivar routed_at: when it was sent to the other channels; null while that is due
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user_id = models.UUIDField()
    organisation_id = models.UUIDField()
    message = models.CharField(max_length=32)
    about = models.UUIDField()
    episode_at = models.DateTimeField()
    provider = models.CharField(max_length=16, blank=True, default="")
    product = models.CharField(max_length=16, blank=True, default="")
    until = models.DateTimeField(null=True)
    reason = models.CharField(max_length=24, blank=True, default="")
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)
    resolved_at = models.DateTimeField(null=True)
    routed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user_id", "organisation_id", "message", "about", "episode_at"],
                name="owner_notice_once_per_episode",
            ),
        ]
        indexes = [
            models.Index(fields=["user_id", "organisation_id", "-id"], name="owner_notice_list"),
            models.Index(
                fields=["user_id", "organisation_id"],
                name="owner_notice_unread",
                condition=Q(read_at=None, resolved_at=None),
            ),
            models.Index(
                fields=["created_at"], name="owner_notice_due", condition=Q(routed_at=None)
            ),
            models.Index(fields=["created_at"], name="owner_notice_by_age"),
        ]

    def __str__(self) -> str:
        return f"notice {self.id}: {self.message}"


class NoticeChannel(models.TextChoices):
    # Not at all; never for an owed kind.
    OFF = "off"
    # The page of notices, and nothing else. The other channels include the page.
    PAGE = "page"
    # The address for signing in.
    PLATFORM_MAIL = "platform_mail"
    # A connected mailbox of the person, which sends to its own address.
    MAILBOX = "mailbox"


class NoticePreference(models.Model):
    """
    Where a person receives one kind of notices. Without a row, the kind's default applies.

    :ivar kind: key of a `NoticeKindSpec`
    :ivar integration: the mailbox of `NoticeChannel.MAILBOX`
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user_id = models.UUIDField()
    organisation_id = models.UUIDField()
    kind = models.CharField(max_length=32)
    channel = models.CharField(max_length=16, choices=NoticeChannel)
    integration = models.ForeignKey(
        Integration, null=True, on_delete=models.PROTECT, related_name="+"
    )
    chosen_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user_id", "organisation_id", "kind"], name="notice_preference_once"
            ),
            models.CheckConstraint(
                condition=Q(channel__in=NoticeChannel.values), name="notice_channel_known"
            ),
            models.CheckConstraint(
                condition=Q(channel=NoticeChannel.MAILBOX, integration__isnull=False)
                | (~Q(channel=NoticeChannel.MAILBOX) & Q(integration=None)),
                name="notice_mailbox_iff_chosen",
            ),
        ]
        indexes = [models.Index(fields=["integration", "id"], name="notice_preference_mailbox")]

    def __str__(self) -> str:
        return f"preference for {self.kind}: {self.channel}"
