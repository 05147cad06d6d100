"""A grant that is thrown away: it was never kept, and the provider is being told."""

from __future__ import annotations

from django.db import models

from accounts.ids import uuid7


class Discard(models.Model):
    """
    A revocation of an account's grant that may be on its way, and belongs to no connection.

    It is there for the seconds that the call takes; where the worker died in the middle, until
    the sweep after `revoking_until`.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    provider = models.CharField(max_length=16)
    account_blind = models.BinaryField(max_length=32)
    revoking_until = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["provider", "account_blind"], name="discard_by_account"),
        ]

    def __str__(self) -> str:
        return f"discard {self.id}"
