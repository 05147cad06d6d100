"""
A person's account at a provider, and its connected products.

The grant belongs to the connection; content belongs to an integration with its own data key, epoch
and status.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, Self
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from accounts.ids import uuid7
from limited_use.policy.policy_vocabulary import DataClass
from limited_use.vault.fields import SealedField


class ConnectionStatus(models.TextChoices):
    ACTIVE = "active"
    REAUTH_REQUIRED = "reauth_required"
    # The last integration was disconnected; the credential waits for revocation.
    ENDING = "ending"
    ENDED = "ended"


class IntegrationStatus(models.TextChoices):
    SYNCING = "syncing"
    ACTIVE = "active"
    DEGRADED = "degraded"
    REAUTH_REQUIRED = "reauth_required"
    PURGING = "purging"
    PURGED = "purged"


class StatusReason(models.TextChoices):
    NONE = ""
    RATE_LIMITED = "rate_limited"
    PROVIDER_UNAVAILABLE = "provider_unavailable"
    RESYNCING = "resyncing"
    QUARANTINED_ITEMS = "quarantined_items"
    SCOPE_MISSING = "scope_missing"
    MAILBOX_NOT_PROVISIONED = "mailbox_not_provisioned"
    APP_MISCONFIGURED = "app_misconfigured"
    NO_WORKER = "no_worker"
    # No parser process was free.
    BUSY = "busy"
    COUNT_MISMATCH = "count_mismatch"
    PUSH_SILENT = "push_silent"
    GRANT_REVOKED = "grant_revoked"
    # The provider requires more proof from the person, for example a second factor.
    CONFIRMATION_NEEDED = "confirmation_needed"
    UNEXPECTED = "unexpected"


# May be read and written.
LIVE = (
    IntegrationStatus.SYNCING,
    IntegrationStatus.ACTIVE,
    IntegrationStatus.DEGRADED,
    IntegrationStatus.REAUTH_REQUIRED,
)
# The grant ended at the provider: features stop, only the owner can read.
OWNER_ONLY = (IntegrationStatus.REAUTH_REQUIRED,)
# Fetchable: live, with a valid grant.
FETCHABLE = tuple(status for status in LIVE if status not in OWNER_ONLY)


class RevocationOutcome(models.TextChoices):
    PENDING = "pending"
    CONFIRMED = "confirmed"
    # 400 invalid_token for the first request: the provider no longer has the grant.
    ALREADY_GONE = "already_gone"
    # The same after an unconfirmed request, which may have ended the grant.
    GONE_AFTER_ASKING = "gone_after_asking"
    UNCONFIRMED = "unconfirmed"
    # There is no provider: the data existed only in Antares.
    NOT_NEEDED = "not_needed"
    # The provider offers applications no revocation; only the person can end the grant.
    NOT_OFFERED = "not_offered"
    # Another live integration or connection of the same account needs the grant.
    NEEDED_ELSEWHERE = "needed_elsewhere"


# The owner's choices for the maximum age of a calendar's copy, in hours.
CACHE_CHOICES: Final = (1, 6, 12, 24)


class ConnectionQuerySet(models.QuerySet["Connection"]):
    def live(self) -> Self:
        return self.filter(ended_at=None)

    def owned_by(self, user_id: UUID, organisation_id: UUID) -> Self:
        return self.filter(user_id=user_id, organisation_id=organisation_id)


class Connection(models.Model):
    """One account at one provider, within one organisation."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    organisation = models.ForeignKey(
        "accounts.Organisation", on_delete=models.PROTECT, related_name="+"
    )
    provider = models.CharField(max_length=16)
    # A keyed hash of the provider's account key (Google: `sub`) under the directory key. Emptied
    # by the last integration's purge.
    account_blind = models.BinaryField(max_length=32, null=True)
    # A keyed hash of the account's address under the directory key, for a support agent who types
    # it. Emptied like `account_blind`.
    address_blind = models.BinaryField(max_length=32, null=True)
    status = models.CharField(
        max_length=16, choices=ConnectionStatus, default=ConnectionStatus.ACTIVE
    )
    # Increased when the grant is replaced or ended: work under an older epoch is dropped.
    epoch = models.PositiveIntegerField(default=1)

    email = SealedField(data_class=DataClass.PROFILE, holder="id", null=True)
    access_token = SealedField(data_class=DataClass.CREDENTIAL, holder="id", null=True)
    access_expires_at = models.DateTimeField(null=True)
    # The holder of the refresh token's key. Each stored grant has its own, which a web process
    # can create and wrap, but not unwrap. Equal to the connection's id: not yet resealed.
    grant_id = models.UUIDField(unique=True, default=uuid7)
    refresh_token = SealedField(data_class=DataClass.CREDENTIAL, holder="grant_id", null=True)
    # Counts refreshes; a writer with an older value has lost the race.
    grant_generation = models.PositiveIntegerField(default=1)
    refresh_lease_by = models.UUIDField(null=True)
    refresh_lease_until = models.DateTimeField(null=True)
    # A web process cannot refresh: it records the newest unusable generation and asks a worker.
    # The waiting request reads the failure from the second column.
    refresh_beyond = models.PositiveIntegerField(default=0)
    refresh_failed_at = models.DateTimeField(null=True)

    # The provider's requirements for a reconnect (OpenID Connect Core §5.5, JSON), if it named
    # any when the grant ended. Deleted by the next grant.
    wanted_claims = SealedField(data_class=DataClass.PROFILE, holder="id", null=True)

    asked_scopes = ArrayField(models.CharField(max_length=200), default=list)
    granted_scopes = ArrayField(models.CharField(max_length=200), default=list)

    connected_at = models.DateTimeField()
    reauth_since = models.DateTimeField(null=True)
    # When the status became `ENDING`. A connect resets this and the four columns below.
    ending_since = models.DateTimeField(null=True)
    # The revocation of the grant, shared by all purges of the connection. A request may still
    # reach the provider until `revoking_until`, even if its worker died.
    revocation = models.CharField(
        max_length=24, choices=RevocationOutcome, default=RevocationOutcome.PENDING
    )
    revocation_tried_at = models.DateTimeField(null=True)
    revocation_try_count = models.PositiveIntegerField(default=0)
    revoking_until = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    objects = models.Manager.from_queryset(ConnectionQuerySet)()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=ConnectionStatus.values), name="connection_status_known"
            ),
            models.UniqueConstraint(
                fields=["organisation", "provider", "account_blind"],
                condition=Q(ended_at=None),
                name="connection_one_live_per_account_and_organisation",
            ),
            models.CheckConstraint(
                condition=Q(status=ConnectionStatus.ENDED, ended_at__isnull=False)
                | (~Q(status=ConnectionStatus.ENDED) & Q(ended_at=None)),
                name="connection_ended_at_iff_ended",
            ),
            models.CheckConstraint(
                condition=~Q(status=ConnectionStatus.ENDED)
                | Q(
                    account_blind=None,
                    address_blind=None,
                    email=None,
                    refresh_token=None,
                    access_token=None,
                    wanted_claims=None,
                ),
                name="connection_ended_holds_nothing",
            ),
            models.CheckConstraint(
                condition=Q(status=ConnectionStatus.REAUTH_REQUIRED, reauth_since__isnull=False)
                | ~Q(status=ConnectionStatus.REAUTH_REQUIRED),
                name="connection_reauth_has_a_beginning",
            ),
        ]
        indexes = [
            models.Index(fields=["user", "organisation"], name="connection_by_owner"),
            models.Index(fields=["provider", "account_blind"], name="connection_by_account"),
            models.Index(fields=["address_blind"], name="connection_by_address"),
        ]

    def __str__(self) -> str:
        return f"{self.provider} connection {self.id}"


class IntegrationQuerySet(models.QuerySet["Integration"]):
    def live(self) -> Self:
        return self.filter(status__in=LIVE)

    def owned_by(self, user_id: UUID, organisation_id: UUID) -> Self:
        return self.filter(connection__user_id=user_id, connection__organisation_id=organisation_id)

    def overdue_for_reconnect(self, before: datetime) -> Self:
        return self.filter(
            status=IntegrationStatus.REAUTH_REQUIRED, connection__reauth_since__lte=before
        )

    def without_permission(self) -> Self:
        """Integrations with a valid grant that does not permit their copy."""
        return self.filter(
            status=IntegrationStatus.REAUTH_REQUIRED, status_reason=StatusReason.SCOPE_MISSING
        )

    def overdue_for_permission(self, before: datetime) -> Self:
        return self.without_permission().filter(status_since__lte=before)


class Integration(models.Model):
    """One product of a connection, until its receipt."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    connection = models.ForeignKey(
        Connection, on_delete=models.PROTECT, related_name="integrations"
    )
    product = models.CharField(max_length=16)
    status = models.CharField(
        max_length=16, choices=IntegrationStatus, default=IntegrationStatus.SYNCING
    )
    status_reason = models.CharField(max_length=32, choices=StatusReason, blank=True, default="")
    # Since when `status_reason` applies. Page and API compute the next try from the sync work.
    status_since = models.DateTimeField()
    # Increased by a disconnect. Work under an older epoch drops its results.
    epoch = models.PositiveIntegerField(default=1)
    # The owner's maximum age of a calendar's copy, in hours, if stricter than the features';
    # null: the features decide.
    cache_hours = models.PositiveIntegerField(null=True)
    # Days of stored mail; null stores all. Older mail stays at the provider.
    horizon_days = models.PositiveIntegerField(null=True, default=90)
    switched_on_at = models.DateTimeField()
    switched_off_at = models.DateTimeField(null=True)
    # Named in the receipt: what the outbox saw in the sent mail, messages of the owner and notices
    # to the own mailbox; and unknown ones that were deleted, or sent again.
    sent_count = models.PositiveIntegerField(default=0)
    sent_notice_count = models.PositiveIntegerField(default=0)
    unknown_send_count = models.PositiveIntegerField(default=0)
    # Named in the receipt: files that Antares put into the Drive, and left there.
    saved_file_count = models.PositiveIntegerField(default=0)

    objects = models.Manager.from_queryset(IntegrationQuerySet)()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=IntegrationStatus.values), name="integration_status_known"
            ),
            models.UniqueConstraint(
                fields=["connection", "product"],
                condition=Q(status__in=LIVE),
                name="integration_one_live_per_product",
            ),
            models.CheckConstraint(
                condition=Q(status__in=LIVE, switched_off_at=None)
                | (Q(switched_off_at__isnull=False) & ~Q(status__in=LIVE)),
                name="integration_switched_off_at_iff_not_live",
            ),
            models.CheckConstraint(
                condition=Q(horizon_days=None) | Q(horizon_days__in=[30, 90, 365]),
                name="integration_horizon_is_a_choice",
            ),
            models.CheckConstraint(
                condition=Q(cache_hours=None) | Q(cache_hours__in=CACHE_CHOICES),
                name="integration_cache_is_a_choice",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product} integration {self.id}"

    @property
    def is_live(self) -> bool:
        return self.status in LIVE
