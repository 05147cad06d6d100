from __future__ import annotations

from django.db import models


class HourOfOpens(models.Model):
    """
    The openings of one actor for one purpose in one hour (UTC), kept for ninety days.

    Contains no id: a person is stored as their ledger pseudonym.
    """

    id = models.BigAutoField(primary_key=True)
    # `system`, `client:` and the feature's key, or `person:` and the ledger pseudonym (32 digits).
    actor = models.CharField(max_length=80)
    purpose = models.CharField(max_length=32)
    # The beginning of the hour.
    hour = models.DateTimeField()
    opens = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["purpose", "actor", "hour"], name="opens_once_an_hour"),
            models.CheckConstraint(condition=models.Q(opens__gt=0), name="opens_counted"),
        ]
        indexes = [
            models.Index(fields=["hour"], name="opens_by_hour"),
            models.Index(fields=["purpose", "hour"], name="opens_of_a_purpose"),
        ]

    def __str__(self) -> str:
        return f"opens for {self.purpose}"
