from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from accounts.ids import uuid7

from .connection import Integration, RevocationOutcome


class PurgeTrigger(models.TextChoices):
    """Named in the receipt."""

    OWNER = "owner"
    SUPPORT = "support"
    GRANT_ENDED = "grant_ended"
    # The grant was renewed without the permission for the copy.
    PERMISSION_WITHDRAWN = "permission_withdrawn"
    # The owner withdrew the consent for the copy.
    CONSENT_WITHDRAWN = "consent_withdrawn"
    LEFT_ORGANISATION = "left_organisation"
    ORGANISATION_CLOSED = "organisation_closed"
    DEACTIVATED = "deactivated"
    INACTIVE = "inactive"
    # The integration had ended, but a restored database showed it as live.
    RESTORED = "restored"


class PurgeStep(models.TextChoices):
    """Each step is reached once and survives a crash."""

    FENCED = "fenced"
    PROVIDER_TRIED = "provider_tried"
    EMPTIED = "emptied"
    VERIFIED = "verified"
    REVOCATION_SETTLED = "revocation_settled"
    CREDENTIAL_DESTROYED = "credential_destroyed"
    AWAITING_CHECKPOINT = "awaiting_checkpoint"
    DONE = "done"


class PurgeJob(models.Model):
    """
    One purge, from the fence to the receipt.

    Outlives the removed rows; contains only counts and our own ids.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    integration = models.OneToOneField(Integration, on_delete=models.PROTECT, related_name="purge")
    user_id = models.UUIDField()
    organisation_id = models.UUIDField()
    trigger = models.CharField(max_length=24, choices=PurgeTrigger)
    # The order of a support agent, if the trigger is `SUPPORT`.
    support_act_id = models.UUIDField(null=True)
    step = models.CharField(max_length=24, choices=PurgeStep, default=PurgeStep.FENCED)
    lease_by = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    next_try_at = models.DateTimeField()
    try_count = models.PositiveIntegerField(default=0)

    fenced_at = models.DateTimeField()
    emptied_at = models.DateTimeField(null=True)
    verified_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)

    # The destroyed keys, and their wrapping key epochs: until these are destroyed too, an old
    # copy of the wrapped key could still be opened.
    content_key_id = models.CharField(max_length=16)
    content_kek_epoch = models.PositiveIntegerField(null=True)
    # Calendars: [[key id, key epoch, holder, key line], …]; and the last epoch of local ones.
    cache_keys = models.JSONField(default=list)
    own_kek_epoch = models.PositiveIntegerField(null=True)
    credential_key_id = models.CharField(max_length=16, blank=True, default="")
    credential_kek_epoch = models.PositiveIntegerField(null=True)
    account_key_id = models.CharField(max_length=16, blank=True, default="")
    account_kek_epoch = models.PositiveIntegerField(null=True)
    # {"integrations.Message": 2000, …} before the purge, and remaining rows after it.
    counts_before = models.JSONField(default=dict)
    counts_left = models.JSONField(default=dict)
    deleted_count = models.PositiveBigIntegerField(default=0)
    # At the fence: messages that Antares sent, notices to the own mailbox that it sent, messages
    # that may have been sent, and messages that were waiting and are not sent any more.
    sent_count = models.PositiveIntegerField(default=0)
    sent_notice_count = models.PositiveIntegerField(default=0)
    unknown_send_count = models.PositiveIntegerField(default=0)
    stopped_send_count = models.PositiveIntegerField(default=0)
    # At the fence: files that Antares put into the Drive, which stay there, and uploads that were
    # on their way and are stopped.
    saved_file_count = models.PositiveIntegerField(default=0)
    stopped_upload_count = models.PositiveIntegerField(default=0)

    # Copied from the connection, because one revocation serves all its purges. `PENDING`: not yet
    # known to this purge. The count is of sent requests.
    revocation = models.CharField(
        max_length=24, choices=RevocationOutcome, default=RevocationOutcome.PENDING
    )
    # The first check by this purge; later the last request, if one was sent.
    revocation_tried_at = models.DateTimeField(null=True)
    revocation_try_count = models.PositiveIntegerField(default=0)
    # The outcome of stopping the provider's watches: empty until each is stopped or given up.
    # Counts by outcome, the last request and their number, and until when notifications may
    # continue.
    watch_stop = models.CharField(max_length=24, blank=True, default="")
    watch_counts = models.JSONField(default=dict)
    watch_tried_at = models.DateTimeField(null=True)
    watch_try_count = models.PositiveIntegerField(default=0)
    watch_lapse_by = models.DateTimeField(null=True)

    entry_ids = ArrayField(models.UUIDField(), default=list)
    receipt_id = models.UUIDField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(step=PurgeStep.DONE, receipt_id__isnull=False, done_at__isnull=False)
                | (~Q(step=PurgeStep.DONE) & Q(receipt_id=None, done_at=None)),
                name="purge_done_iff_it_has_a_receipt",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_try_at"], condition=~Q(step="done"), name="purge_unfinished"
            ),
            models.Index(
                fields=["support_act_id"],
                condition=Q(support_act_id__isnull=False),
                name="purge_by_support_act",
            ),
        ]

    def __str__(self) -> str:
        return f"purge {self.id}: {self.step}"
