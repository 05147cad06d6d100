"""One token bucket per mailbox, for all workers."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from .connection import Connection


class QuotaBucket(models.Model):
    connection = models.OneToOneField(
        Connection, on_delete=models.PROTECT, primary_key=True, related_name="+"
    )
    # Units at `counted_at`; negative values are a debt that time pays.
    units = models.FloatField()
    counted_at = models.DateTimeField()
    # The provider asked to wait: no calls until then.
    parked_until = models.DateTimeField(null=True)
    # A person was asked to retry: workers draw nothing until then.
    awaited_until = models.DateTimeField(null=True)
    # The ends of the leases of running requests, one each; see `request_slots`.
    slot_leases = ArrayField(models.DateTimeField(), default=list)

    def __str__(self) -> str:
        return f"quota of connection {self.connection_id}"
