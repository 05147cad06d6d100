from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from accounts.ids import uuid7

from .revocable import Given


class ShareLevel(models.TextChoices):
    # Only the times when the owner is busy.
    FREEBUSY = "freebusy"
    # Event details as well; private events show as busy.
    DETAILS = "details"


class Share(Given):
    """
    One person lets another registered user see one calendar, in one organisation.

    Every change is a new row, kept for ever. For an address without a user, the viewer does not
    exist; the owner sees no difference.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner_id = models.UUIDField()
    organisation_id = models.UUIDField()
    viewer_id = models.UUIDField()
    # The memberships in the organisation. The share ends with either, and a later membership does
    # not revive it.
    owner_membership = models.UUIDField()
    viewer_membership = models.UUIDField()
    # The calendar, by our id.
    item = models.UUIDField()
    level = models.CharField(max_length=16, choices=ShareLevel)
    # The address that the owner typed, encrypted (`typed_addresses`); empty once the share ended.
    typed_address = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["item", "viewer_id"],
                condition=Q(withdrawn_at=None),
                name="share_one_live_per_item_and_viewer",
            ),
            models.CheckConstraint(
                condition=Q(level__in=ShareLevel.values), name="share_level_known"
            ),
            models.CheckConstraint(
                condition=~Q(owner_id=F("viewer_id")), name="share_is_with_somebody_else"
            ),
            models.CheckConstraint(
                condition=Q(expires_at=None) | Q(expires_at__gt=F("given_at")),
                name="share_expires_after_given",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at=None) | Q(withdrawn_at__gte=F("given_at")),
                name="share_withdrawn_after_given",
            ),
        ]
        indexes = [
            models.Index(fields=["viewer_id", "organisation_id"], name="share_by_viewer"),
            models.Index(fields=["owner_id", "organisation_id"], name="share_by_owner"),
        ]

    def __str__(self) -> str:
        return f"share {self.id}"
