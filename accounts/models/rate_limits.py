from __future__ import annotations

from django.conf import settings
from django.db import models

from accounts.ids import uuid7


class RateCount(models.Model):
    # Keyed hash of the limit's name and the counted key.
    key_hash = models.BinaryField(primary_key=True, max_length=32)
    count = models.PositiveIntegerField()
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="rate_count_expiry")]

    def __str__(self) -> str:
        return "RateCount"


class KnownNetwork(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    # Keyed hash of the network, different for each person.
    network_hash = models.BinaryField(max_length=32)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "network_hash"], name="known_network_once_per_person"
            ),
        ]
        indexes = [models.Index(fields=["expires_at"], name="known_network_expiry")]

    def __str__(self) -> str:
        return f"KnownNetwork {self.pk}"
