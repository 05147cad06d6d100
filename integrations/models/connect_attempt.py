from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from accounts.ids import uuid7


class AttemptOutcome(models.TextChoices):
    PENDING = "pending"
    CONNECTED = "connected"
    CONNECTED_PARTLY = "connected_partly"
    CONNECTED_WITHOUT_PRODUCT = "connected_without"
    DENIED = "denied"
    ADMIN_BLOCKED = "admin_blocked"
    EXPIRED = "expired"
    REPLAYED = "replayed"
    # The state is unknown, or belongs to another browser or person.
    FOREIGN_STATE = "foreign_state"
    # A parameter is duplicated, or the parameters are meaningless.
    MALFORMED = "malformed"
    WRONG_ISSUER = "wrong_issuer"
    CODE_REJECTED = "code_rejected"
    IDENTITY_UNPROVEN = "identity_unproven"
    WRONG_ACCOUNT = "wrong_account"
    CONNECTED_BY_OTHER = "connected_by_other"
    # Another product of the account is connected with a wider grant: nothing was changed.
    LIVES_ALREADY = "lives_already"
    # The provider is still revoking the grant of an earlier connection of the account.
    STILL_ENDING = "still_ending"
    # The person left the organisation, or the connection ended, during the visit.
    OVERTAKEN = "overtaken"
    DISCLOSURE_OUTDATED = "disclosure_outdated"
    PROVIDER_UNAVAILABLE = "provider_unavailable"
    REJECTED_BY_PROVIDER = "rejected_by_provider"
    APP_MISCONFIGURED = "app_misconfigured"
    FAILED = "failed"


class ConnectAttempt(models.Model):
    """One visit to a provider's consent page. Of the state it stores only the hash."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    organisation = models.ForeignKey(
        "accounts.Organisation", on_delete=models.PROTECT, related_name="+"
    )
    provider = models.CharField(max_length=16)
    product = models.CharField(max_length=16)
    # Set on a reconnect: the account must be the same.
    connection = models.ForeignKey(
        "integrations.Connection", null=True, on_delete=models.PROTECT, related_name="+"
    )
    state_hash = models.BinaryField(max_length=32, unique=True)
    session_hash = models.BinaryField(max_length=32)
    asked_scopes = ArrayField(models.CharField(max_length=200), default=list)
    # The version of the feature's declaration at the affirmative click.
    feature_versions = models.JSONField(default=dict)
    outcome = models.CharField(
        max_length=24, choices=AttemptOutcome, default=AttemptOutcome.PENDING
    )
    began_at = models.DateTimeField()
    # A used state is never accepted again, even after a failure.
    used_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    # The grant between its issue and its storage, encrypted: if the process is killed there, a
    # sweep revokes it (`grants.unsaved_grants`).
    unsaved_grant = models.TextField(blank=True)
    # The outcome needs no more attention: a later connect of the product succeeded, the owner
    # dismissed it, or an administrator's link was created. Reset to null when the attempt ends
    # again.
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome=AttemptOutcome.PENDING, ended_at=None)
                | (~Q(outcome=AttemptOutcome.PENDING) & Q(ended_at__isnull=False)),
                name="attempt_ended_at_iff_it_has_an_outcome",
            ),
        ]
        indexes = [
            models.Index(fields=["user", "began_at"], name="attempt_by_user"),
            models.Index(
                fields=["expires_at"],
                condition=Q(outcome=AttemptOutcome.PENDING),
                name="attempt_pending",
            ),
        ]

    def __str__(self) -> str:
        return f"attempt {self.id}: {self.outcome}"
