"""
Service clients of platform features.

A client authenticates by signature, so no value here signs in. A token has 256 random bits, so a
fast hash (SHA-256) protects it.
"""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from accounts.ids import uuid7
from accounts.models.delegation import Delegation


class ServiceClientQuerySet(models.QuerySet["ServiceClient"]):
    def live(self) -> Self:
        return self.filter(retired_at=None)


class ServiceClient(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    client_id = models.CharField(max_length=64, unique=True)
    feature = models.CharField(max_length=64)
    # Plain data from the feature registry, which each use checks again.
    purposes = ArrayField(models.CharField(max_length=64))
    # Public keys only (RFC 7517); `accounts.clients` refuses private ones.
    jwks = models.JSONField()
    # Largest number of people that this client may act for within a minute.
    users_per_minute = models.PositiveIntegerField(default=60)
    registered_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)

    objects = models.Manager.from_queryset(ServiceClientQuerySet)()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(client_id=""), name="client_has_client_id"),
            models.CheckConstraint(condition=~Q(feature=""), name="client_has_feature"),
            models.CheckConstraint(
                condition=Q(users_per_minute__gte=1), name="client_limit_is_positive"
            ),
        ]

    def __str__(self) -> str:
        return f"ServiceClient {self.client_id}"


class ServiceToken(models.Model):
    """One purpose and one person, for at most ten minutes."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    token_hash = models.BinaryField(max_length=32, unique=True)
    client = models.ForeignKey(ServiceClient, on_delete=models.CASCADE, related_name="+")
    delegation = models.ForeignKey(Delegation, on_delete=models.CASCADE, related_name="+")
    # The delegation's epoch at issue.
    delegation_epoch = models.PositiveIntegerField()
    purpose = models.CharField(max_length=64)
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    #: Whether `accounts.client_usage` has counted the person for this minute. Set by
    #: `accounts.caller_lookup` only.
    is_counted = False

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("issued_at")), name="token_expires_after_issue"
            ),
        ]
        indexes = [models.Index(fields=["expires_at"], name="token_expiry")]

    def __str__(self) -> str:
        return f"ServiceToken {self.pk}"


class UsedAssertion(models.Model):
    """A used client assertion, kept until it expires."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    client = models.ForeignKey(ServiceClient, on_delete=models.CASCADE, related_name="+")
    # SHA-256 of the `jti`, which may have any length.
    jti_hash = models.BinaryField(max_length=32)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["client", "jti_hash"], name="assertion_used_once_per_client"
            ),
        ]
        indexes = [models.Index(fields=["expires_at"], name="assertion_expiry")]

    def __str__(self) -> str:
        return f"UsedAssertion {self.pk}"


class UserMinute(models.Model):
    """A client read a person's data within a minute."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    client = models.ForeignKey(ServiceClient, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    minute_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["client", "minute_at", "user"], name="user_minute_counted_once"
            ),
        ]
        indexes = [models.Index(fields=["minute_at"], name="user_minute_age")]

    def __str__(self) -> str:
        return f"UserMinute {self.pk}"
