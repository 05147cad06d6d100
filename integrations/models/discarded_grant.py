from __future__ import annotations

from django.db import models

from accounts.ids import uuid7


class Discard(models.Model):
    """
    A revocation of a grant that was never stored.

    The row exists for the call, or, if the worker dies, until the sweep after `revoking_until`.
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
