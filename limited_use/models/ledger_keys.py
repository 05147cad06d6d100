from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q

from accounts.ids import uuid7


class LedgerKey(models.Model):
    """
    The lifecycle of one connection's ledger key: in use, set aside and offered, destroyed.

    This row stays, for a page that shows how the key ended.
    """

    class Outcome(models.TextChoices):
        NONE = ""
        TAKEN = "taken"
        EXPIRED = "expired"
        # No owner could be offered the key, or no receipt was written.
        DISCARDED = "discarded"
        # A restored database had brought the key back, or could no longer open it.
        RESTORED = "restored"
        LOST = "lost"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # The connection.
    holder = models.UUIDField(unique=True)
    # A hash of the key, which stays in this row and in the ledger.
    commitment = models.BinaryField(max_length=32)
    created_at = models.DateTimeField()
    # The connection ended. From then on, the key names only the entries of its end.
    set_aside_at = models.DateTimeField(null=True)
    # The owner may fetch the key once before this time.
    offered_until = models.DateTimeField(null=True)
    destroyed_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=16, choices=Outcome, blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(destroyed_at=None, outcome="")
                | (Q(destroyed_at__isnull=False) & ~Q(outcome="")),
                name="ledger_key_outcome_iff_destroyed",
            ),
            models.CheckConstraint(
                condition=Q(offered_until=None) | Q(set_aside_at__isnull=False),
                name="ledger_key_set_aside_before_offered",
            ),
        ]
        indexes = [
            models.Index(
                fields=["set_aside_at"],
                condition=Q(destroyed_at=None, set_aside_at__isnull=False),
                name="ledger_key_set_aside",
            ),
        ]

    def __str__(self) -> str:
        return f"ledger key of {self.holder}"

    def is_offered(self, at: datetime) -> bool:
        until = self.offered_until
        return self.destroyed_at is None and until is not None and at < until


class WrappedLedgerKey(models.Model):
    """
    A wrapped ledger key; without a row, the key is destroyed.

    Only the vault's functions read or write it (`vault.naming_rows`).
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    holder = models.UUIDField(unique=True)
    # As in `LedgerKey`: a process that sees that row may read this one.
    commitment = models.BinaryField(max_length=32)
    # 60 bytes, under the naming key of `kek_epoch` (see `vault.ledger_key_wrap`).
    wrapped = models.BinaryField(max_length=60)
    kek_epoch = models.PositiveIntegerField()

    class Meta:
        indexes = [models.Index(fields=["kek_epoch", "id"], name="wrapped_ledger_key_by_epoch")]

    def __str__(self) -> str:
        return f"wrapped ledger key of {self.holder}"
