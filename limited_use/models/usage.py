"""
Applied rules and recent refusals, counted from the ledger; no row holds personal data.

A process that may read everything makes bundles and gauges, so others need no such right.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.ids import uuid7


class PolicyUse(models.Model):
    """
    How often one rule was applied to one use of one feature on one day (UTC).

    An event that is no decision has its name as the rule, and empty columns.
    """

    id = models.BigAutoField(primary_key=True)
    day = models.DateField()
    rule = models.CharField(max_length=64)
    is_permitted = models.BooleanField()
    # The feature's key; empty if the service itself acted.
    feature = models.CharField(max_length=64, blank=True, default="")
    data_class = models.CharField(max_length=32)
    purpose = models.CharField(max_length=32)
    recipient = models.CharField(max_length=32)
    count = models.BigIntegerField()
    # A few entries, newest first, to show with their proofs.
    latest = ArrayField(models.UUIDField())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "rule", "day", "is_permitted", "feature", "data_class", "purpose", "recipient",
                ],
                name="policy_use_once_a_day",
            ),
            models.CheckConstraint(condition=models.Q(count__gt=0), name="policy_use_counted"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.rule} on {self.day}"


class Refusal(models.Model):
    """One refusal, by its ledger entry, kept for a month."""

    entry_id = models.UUIDField(primary_key=True)
    at = models.DateTimeField()
    rule = models.CharField(max_length=64)
    feature = models.CharField(max_length=64, blank=True, default="")
    data_class = models.CharField(max_length=32)
    purpose = models.CharField(max_length=32)
    recipient = models.CharField(max_length=32)

    class Meta:
        indexes = [
            models.Index(models.F("at").desc(), name="refusal_newest"),
            models.Index(fields=["feature", "at"], name="refusal_by_feature"),
        ]

    def __str__(self) -> str:
        return f"refusal {self.entry_id}"


class Tally(models.Model):
    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    size = models.BigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "tallies"
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="tally_is_one"),
        ]

    def __str__(self) -> str:
        return f"{self.size} entries counted"


class EvidenceBundle(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    made_at = models.DateTimeField(db_index=True)
    document = models.BinaryField()
    # Clauses reported as not met.
    not_met = ArrayField(models.CharField(max_length=32))

    def __str__(self) -> str:
        return f"evidence of {self.made_at}"


class Gauge(models.Model):
    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=64)
    # `kind=word`, comma-separated; empty for a single figure.
    labels = models.CharField(max_length=120, blank=True, default="")
    value = models.FloatField()
    measured_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "labels"], name="gauge_once"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.labels}"
