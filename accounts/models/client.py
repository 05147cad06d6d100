"""
Service clients of platform features.

A client authenticates by signature, so no value here signs in. A token has 256 random bits, so a
fast hash (SHA-256) protects it.
"""

from __future__ import annotations

from typing import Final, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from accounts.ids import uuid7
from accounts.models.delegation import Delegation

MAX_REDIRECT_URI: Final = 255
#: People for whom a client may act within a minute, unless its row has another number.
USERS_PER_MINUTE: Final = 60
# Purpose of a token without a person.
CLIENT_PURPOSE: Final = "client"


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
    # Where `/oauth/authorize` may send people back to, compared character by character.
    redirect_uris = ArrayField(models.CharField(max_length=MAX_REDIRECT_URI), default=list)
    # Largest number of people that this client may act for within a minute.
    users_per_minute = models.PositiveIntegerField(default=USERS_PER_MINUTE)
    # Median of its requests in an hour, of the last seven days; 0 at first.
    usual_requests_per_hour = models.PositiveIntegerField(default=0)
    # Earliest time by which it has to acknowledge a removal; null: nothing is open. Later, its
    # tokens for people are refused.
    removals_due_at = models.DateTimeField(null=True)
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
    """
    One purpose and one person, for at most ten minutes.

    Without a delegation, the token is the client's own: it lists delegations and removals, and
    reads nobody's data.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    token_hash = models.BinaryField(max_length=32, unique=True)
    client = models.ForeignKey(ServiceClient, on_delete=models.CASCADE, related_name="+")
    delegation = models.ForeignKey(
        Delegation, on_delete=models.CASCADE, null=True, related_name="+"
    )
    # The delegation's epoch at issue.
    delegation_epoch = models.PositiveIntegerField(null=True)
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
            models.CheckConstraint(
                condition=Q(purpose=CLIENT_PURPOSE, delegation=None, delegation_epoch=None)
                | Q(delegation__isnull=False, delegation_epoch__isnull=False)
                & ~Q(purpose=CLIENT_PURPOSE),
                name="token_has_person_unless_client",
            ),
        ]
        indexes = [models.Index(fields=["expires_at"], name="token_expiry")]

    def __str__(self) -> str:
        return f"ServiceToken {self.pk}"


class AuthorizationCode(models.Model):
    """
    A person's answer on its way to the client: RFC 6749 §4.1, with PKCE (RFC 7636).

    Kept after its use, so that a second use ends the token that the first one brought.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    code_hash = models.BinaryField(max_length=32, unique=True)
    client = models.ForeignKey(ServiceClient, on_delete=models.CASCADE, related_name="+")
    delegation = models.ForeignKey(Delegation, on_delete=models.CASCADE, related_name="+")
    delegation_epoch = models.PositiveIntegerField()
    redirect_uri = models.CharField(max_length=MAX_REDIRECT_URI)
    # SHA-256 of the client's verifier, base64url without padding (`S256`).
    code_challenge = models.CharField(max_length=43)
    purpose = models.CharField(max_length=64)
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    # The token that it was exchanged for.
    token_id = models.UUIDField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("issued_at")), name="code_expires_after_issue"
            ),
            models.CheckConstraint(
                condition=Q(token_id=None) | Q(used_at__isnull=False),
                name="code_with_token_is_used",
            ),
        ]
        indexes = [models.Index(fields=["expires_at"], name="code_expiry")]

    def __str__(self) -> str:
        return f"AuthorizationCode {self.pk}"


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


class ClientHour(models.Model):
    """Requests of a client within an hour."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    client = models.ForeignKey(ServiceClient, on_delete=models.CASCADE, related_name="+")
    hour_at = models.DateTimeField()
    request_count = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["client", "hour_at"], name="client_hour_counted_once"),
        ]
        indexes = [models.Index(fields=["hour_at"], name="client_hour_age")]

    def __str__(self) -> str:
        return f"ClientHour {self.pk}"


class ClientChangeKind(models.TextChoices):
    REGISTER = "register"
    KEYS = "keys"
    REDIRECTS = "redirects"
    RETIRE = "retire"


class ClientChangeRefusal(models.TextChoices):
    """Why a worker did not apply a change."""

    # A seal is not of this service: somebody wrote the row without the staff site.
    FORGED = "forged"
    EXPIRED = "expired"
    # An operator is no longer active, lost the role, or has no second factor.
    OPERATORS = "operators"
    # Another change came first, or the registry no longer declares the feature or a purpose.
    CHANGED = "changed"


class ServiceClientChange(models.Model):
    """What operators propose about a service client; a worker checks it and applies it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=16, choices=ClientChangeKind)
    feature = models.CharField(max_length=64)
    # Null until a worker registers it.
    client = models.ForeignKey(ServiceClient, null=True, on_delete=models.PROTECT, related_name="+")
    # Arguments of the step: purposes, public keys, redirect URIs, and the digest of the client that
    # the operator saw.
    values = models.JSONField()
    proposed_by = models.UUIDField()
    proposed_at = models.DateTimeField()
    # The staff process signs what it wrote: a database login cannot.
    seal = models.CharField(max_length=200)
    # The second operator.
    approved_by = models.UUIDField(null=True)
    approved_at = models.DateTimeField(null=True)
    approval_seal = models.CharField(max_length=200, blank=True, default="")
    # When a worker applied or refused it.
    settled_at = models.DateTimeField(null=True)
    refusal = models.CharField(max_length=16, choices=ClientChangeRefusal, blank=True, default="")
    # When operators got a mail about it.
    notified_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(approved_by=None, approved_at=None, approval_seal="")
                | (Q(approved_at__isnull=False) & ~Q(approved_by=F("proposed_by"))),
                name="client_change_approved_by_another",
            ),
            models.CheckConstraint(
                condition=Q(refusal="") | Q(settled_at__isnull=False),
                name="client_change_refused_when_settled",
            ),
        ]
        indexes = [
            models.Index(
                fields=["proposed_at"],
                condition=Q(settled_at=None) | Q(notified_at=None),
                name="client_change_with_work",
            ),
        ]

    def __str__(self) -> str:
        return f"ServiceClientChange {self.pk}"
