"""When the processes of the service were last alive, by the duty that they perform."""

from __future__ import annotations

from django.db import models


class Heartbeat(models.Model):
    # A queue that a worker consumes, or "beat" for the process that keeps the schedule.
    duty = models.CharField(max_length=16, primary_key=True)
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"heartbeat of {self.duty}"
