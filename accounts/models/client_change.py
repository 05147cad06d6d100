"""What operators propose about a service client; a worker checks it and applies it."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from accounts.ids import uuid7

from .client import ServiceClient


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
