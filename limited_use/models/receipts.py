from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from accounts.ids import uuid7


class Receipt(models.Model):
    """The signed proof of one purge. It outlives its subject, so it has no foreign keys."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # The purged integration, with one receipt of two parts.
    subject_id = models.UUIDField()
    # 1: what was removed and checked. 2: the epochs of its keys ended as well.
    part = models.PositiveSmallIntegerField(default=1)
    owner_id = models.UUIDField()
    # The exact bytes of the file, which the signature covers.
    document = models.BinaryField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subject_id", "part"], name="receipt_once_per_part"),
            models.CheckConstraint(condition=Q(part__in=[1, 2]), name="receipt_of_two_parts"),
        ]
        indexes = [models.Index(F("owner_id"), F("created_at").desc(), name="receipt_by_owner")]

    def __str__(self) -> str:
        return f"receipt {self.id}"


class ReceiptLink(models.Model):
    """
    A capability link to one receipt, by a random token that is shown once and never stored.

    It names no account, and outlives it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    token_hash = models.BinaryField(max_length=32, unique=True)
    subject_id = models.UUIDField(db_index=True)
    made_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"receipt link {self.id}"
