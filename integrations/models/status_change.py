from __future__ import annotations

from django.db import models

from accounts.ids import uuid7

from .connection import Integration, IntegrationStatus, StatusReason


class StatusChange(models.Model):
    """
    A status that a live integration had, and since when.

    A trigger writes it (``migrations/sql/status_changes.sql``), so that no code can forget it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    integration = models.ForeignKey(Integration, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=16, choices=IntegrationStatus)
    reason = models.CharField(max_length=32, choices=StatusReason, blank=True, default="")
    since = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["integration", "-since"], name="status_change_newest"),
            models.Index(fields=["since"], name="status_change_by_age"),
        ]

    def __str__(self) -> str:
        return f"status change {self.id}: {self.status}"
