from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from accounts.ids import uuid7

from .connection import Integration


class ExportOutcome(models.TextChoices):
    # Running, or its process died.
    OPEN = ""
    COMPLETE = "complete"
    # The integration was disconnected, or the download was not completed.
    INTERRUPTED = "interrupted"


class Export(models.Model):
    """A copy of the stored data: requested after a recent confirmation, valid for one download."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    integration = models.ForeignKey(Integration, on_delete=models.PROTECT, related_name="+")
    user_id = models.UUIDField()
    organisation_id = models.UUIDField()
    asked_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(
        max_length=16, choices=ExportOutcome, blank=True, default=ExportOutcome.OPEN
    )
    message_count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome__in=ExportOutcome.values), name="export_outcome_known"
            ),
            models.CheckConstraint(
                condition=Q(outcome="", ended_at=None)
                | (~Q(outcome="") & Q(ended_at__gte=F("asked_at"))),
                name="export_ended_at_iff_it_has_an_outcome",
            ),
        ]

    def __str__(self) -> str:
        return f"export {self.id}"
