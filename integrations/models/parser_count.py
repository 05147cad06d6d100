from __future__ import annotations

from django.db import models


class ParserCount(models.Model):
    # A `parsers.refusal_counts.RefusalEvent`.
    event = models.CharField(max_length=16, primary_key=True)
    count = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.event}: {self.count}"
