from __future__ import annotations

from typing import Self
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from accounts.ids import uuid7


class OrganisationQuerySet(models.QuerySet["Organisation"]):
    def live(self) -> Self:
        return self.filter(closed_at=None)


class Organisation(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    platform_id = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=120)
    founded_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    objects = models.Manager.from_queryset(OrganisationQuerySet)()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(platform_id=""), name="organisation_has_platform_id"
            ),
        ]

    def __str__(self) -> str:
        return f"Organisation {self.pk}"


class MembershipQuerySet(models.QuerySet["Membership"]):
    def live(self) -> Self:
        return self.filter(left_at=None)

    def of(self, user_id: UUID) -> Self:
        return self.filter(user_id=user_id)


class Membership(models.Model):
    """
    One stay of a person in an organisation.

    A return is a new row, which revives nothing of the earlier stay.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="memberships"
    )
    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="memberships"
    )
    # Raised when the person leaves. Permits with an older epoch open nothing.
    epoch = models.PositiveIntegerField(default=1)
    joined_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True)

    objects = models.Manager.from_queryset(MembershipQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "organisation"],
                condition=Q(left_at=None),
                name="membership_one_live_per_organisation",
            ),
            models.CheckConstraint(
                condition=Q(left_at=None) | Q(left_at__gte=F("joined_at")),
                name="membership_left_after_joining",
            ),
        ]

    def __str__(self) -> str:
        return f"Membership {self.pk}"
