"""How often the service's parser processes refused a task, or had to be replaced."""

from __future__ import annotations

from django.db import models


class ParserCount(models.Model):
    # A word of `parsers.refusal_counts.Event`.
    event = models.CharField(max_length=16, primary_key=True)
    count = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.event}: {self.count}"
