from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from accounts.ids import uuid7

from .revocable import Given


class Consent(Given):
    """
    Consent to one version of a feature, in one organisation.

    A consent after a withdrawal, or to a newer version, is a new row.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner_id = models.UUIDField()
    organisation_id = models.UUIDField()
    feature = models.CharField(max_length=64)
    # Blank: all purposes that the feature declares.
    purpose = models.CharField(max_length=32, blank=True, default="", db_default="")
    # Blank: as the feature declares.
    recipient = models.CharField(max_length=32, blank=True, default="", db_default="")
    # The item that it is about, by our id; null: everything that the feature is about.
    item = models.UUIDField(null=True)
    # The only agent of support who may read the item; null: any of them.
    reader_id = models.UUIDField(null=True)
    # The version of the declaration that the person saw.
    version = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "owner_id",
                    "organisation_id",
                    "feature",
                    "purpose",
                    "recipient",
                    "item",
                ],
                condition=Q(withdrawn_at=None),
                nulls_distinct=False,
                name="consent_one_live_per_subject",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at=None) | Q(withdrawn_at__gte=F("given_at")),
                name="consent_withdrawn_after_given",
            ),
            models.CheckConstraint(
                condition=Q(expires_at=None) | Q(expires_at__gt=F("given_at")),
                name="consent_expires_after_given",
            ),
            models.CheckConstraint(
                condition=Q(item=None) | Q(expires_at__isnull=False),
                name="consent_to_an_item_has_an_end",
            ),
        ]

    def __str__(self) -> str:
        return f"consent {self.id}"
