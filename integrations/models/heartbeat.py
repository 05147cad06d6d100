from __future__ import annotations

from django.db import models


class Heartbeat(models.Model):
    # A queue with a consumer, or "beat" for the scheduler.
    duty = models.CharField(max_length=16, primary_key=True)
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"heartbeat of {self.duty}"
