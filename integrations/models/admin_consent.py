"""What somebody's administrator was asked to allow, and what we were told of the answer."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from accounts.ids import uuid7


class ApprovalState(models.TextChoices):
    """What is known of it: hearsay, until the person connects."""

    WAITING = "waiting"
    GIVEN = "given"
    REFUSED = "refused"


class Approval(models.Model):
    """
    A link for an administrator, made by somebody who may not agree alone.

    The state in the link is kept as its hash. It is good for one answer, and whoever brings it
    back is believed nothing but that answer, which changes what this row's owner reads, and no
    more: what connects is their own consent.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    organisation = models.ForeignKey(
        "accounts.Organisation", on_delete=models.PROTECT, related_name="+"
    )
    provider = models.CharField(max_length=16)
    product = models.CharField(max_length=16)
    # What the product is to be added to, or is reconnected.
    connection = models.ForeignKey(
        "integrations.Connection", null=True, on_delete=models.PROTECT, related_name="+"
    )
    state_hash = models.BinaryField(max_length=32, unique=True)
    state = models.CharField(max_length=16, choices=ApprovalState, default=ApprovalState.WAITING)
    asked_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            # So that there is one to show, and a new link ends the one before.
            models.UniqueConstraint(
                fields=["user", "organisation", "provider", "product"],
                name="approval_one_per_product",
            ),
            models.CheckConstraint(
                condition=Q(state=ApprovalState.WAITING, answered_at=None)
                | (~Q(state=ApprovalState.WAITING) & Q(answered_at__isnull=False)),
                name="approval_answered_at_iff_answered",
            ),
        ]
        indexes = [models.Index(fields=["expires_at"], name="approval_by_end")]

    def __str__(self) -> str:
        return f"approval {self.id}: {self.state}"
