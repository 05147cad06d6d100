"""
Applied rules and recent refusals, counted from the ledger's entries.

The ledger is the source: `usage.usage_counter` counts each entry once, in order. The rows hold
rules, purposes and entry ids, and nothing of a person. Evidence bundles and gauges are made by a
process that may read everything, so that the process that shows them need not.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.ids import uuid7


class PolicyUse(models.Model):
    """
    One rule applied to one kind of use for one feature on one day (UTC), and how often.

    Of an event that is no decision: its name as the rule, and nothing beside it.
    """

    id = models.BigAutoField(primary_key=True)
    day = models.DateField()
    rule = models.CharField(max_length=64)
    is_permitted = models.BooleanField()
    # The feature's key; empty where the service itself acted.
    feature = models.CharField(max_length=64, blank=True, default="")
    data_class = models.CharField(max_length=32)
    purpose = models.CharField(max_length=32)
    recipient = models.CharField(max_length=32)
    count = models.BigIntegerField()
    # The newest entries, newest first, a few: what is shown with its proof.
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
    """One refusal, by its ledger entry; kept for a month, so that bursts and the list see it."""

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
    """How many entries of the ledger have been counted: one row."""

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
    """A bundle of evidence as it was made: the exact bytes, which its signature covers."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    made_at = models.DateTimeField(db_index=True)
    document = models.BinaryField()
    # Clauses that it says are not met.
    not_met = ArrayField(models.CharField(max_length=32))

    def __str__(self) -> str:
        return f"evidence of {self.made_at}"


class Gauge(models.Model):
    """
    One figure of how the service stands, measured by whoever may see all of it.

    Who shows it sees no more than this row: a name of ours, words of ours, a number.
    """

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=64)
    # `kind=word`, comma-separated; empty where there is one of its name only.
    labels = models.CharField(max_length=120, blank=True, default="")
    value = models.FloatField()
    measured_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "labels"], name="gauge_once"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.labels}"
