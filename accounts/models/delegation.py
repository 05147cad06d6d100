from __future__ import annotations

from typing import Self
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from accounts.ids import uuid7
from accounts.models.organisation import Organisation


class DelegationQuerySet(models.QuerySet["Delegation"]):
    def live(self) -> Self:
        return self.filter(switched_off_at=None)

    def of(self, user_id: UUID, organisation_id: UUID) -> Self:
        return self.filter(user_id=user_id, organisation_id=organisation_id)


class Delegation(models.Model):
    """
    A person switched one platform feature on, in one organisation. Switching on again is a new
    row.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    feature = models.CharField(max_length=64)
    # Version of the disclosure that the person saw.
    feature_version = models.PositiveIntegerField()
    # Raised when the feature is switched off. Tokens and permits carry it.
    epoch = models.PositiveIntegerField(default=1)
    switched_on_at = models.DateTimeField()
    switched_off_at = models.DateTimeField(null=True)

    objects = models.Manager.from_queryset(DelegationQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "organisation", "feature"],
                condition=Q(switched_off_at=None),
                name="delegation_one_live_per_feature",
            ),
            models.CheckConstraint(
                condition=Q(switched_off_at=None) | Q(switched_off_at__gte=F("switched_on_at")),
                name="delegation_off_after_on",
            ),
            models.CheckConstraint(condition=~Q(feature=""), name="delegation_has_feature"),
        ]
        indexes = [models.Index(fields=["feature", "-id"], name="delegation_of_feature")]

    def __str__(self) -> str:
        return f"Delegation {self.pk}"
