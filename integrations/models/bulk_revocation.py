from __future__ import annotations

from typing import Final

from django.db import models
from django.db.models import F, Q

from accounts.ids import uuid7

from .support import MAX_SIGNATURE, MAX_TEXT, MAX_TICKET, SupportReason


class BulkState(models.TextChoices):
    # A worker counts what would be disconnected.
    COUNTING = "counting"
    # A second person decides.
    PROPOSED = "proposed"
    RUNNING = "running"
    STOPPED = "stopped"
    REJECTED = "rejected"
    DONE = "done"


#: States in which a worker has something to do.
BULK_WORK: Final = (BulkState.COUNTING, BulkState.RUNNING)
#: Final states.
BULK_ENDED: Final = (BulkState.STOPPED, BulkState.REJECTED, BulkState.DONE)


class BulkRevocation(models.Model):
    """The disconnect of all connections that match every given criterion."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agent_id = models.UUIDField()
    organisation = models.ForeignKey(
        "accounts.Organisation", null=True, on_delete=models.PROTECT, related_name="+"
    )
    provider = models.CharField(max_length=16, blank=True)
    connected_from = models.DateTimeField(null=True)
    # Also excludes connections that are made later than the proposal.
    connected_until = models.DateTimeField()
    reason = models.CharField(max_length=24, choices=SupportReason)
    text = models.CharField(max_length=MAX_TEXT)
    ticket = models.CharField(max_length=MAX_TICKET)
    # See `integrations.support.signed_orders`.
    signature = models.CharField(max_length=MAX_SIGNATURE, blank=True)
    state = models.CharField(max_length=16, choices=BulkState, default=BulkState.COUNTING)
    asked_at = models.DateTimeField()
    # The dry run: {"connections": 12, "people": 9, …}.
    counts = models.JSONField(default=dict)
    counted_at = models.DateTimeField(null=True)
    # The second person, who approved or rejected it.
    decided_by = models.UUIDField(null=True)
    decided_at = models.DateTimeField(null=True)
    decision_signature = models.CharField(max_length=MAX_SIGNATURE, blank=True)
    stopped_by = models.UUIDField(null=True)
    ended_at = models.DateTimeField(null=True)
    lease_by = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    next_try_at = models.DateTimeField()

    class Meta:
        constraints = [
            # Its acts have the same reason: see `SupportLookup`.
            models.CheckConstraint(
                condition=Q(reason__in=SupportReason.values, state__in=BulkState.values),
                name="bulk_has_known_words",
            ),
            models.CheckConstraint(
                condition=Q(decided_by=None) | ~Q(decided_by=F("agent_id")),
                name="bulk_decided_by_a_second_person",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["running", "done"]) | Q(decided_by__isnull=False),
                name="bulk_runs_after_a_decision",
            ),
            models.CheckConstraint(
                condition=Q(organisation__isnull=False)
                | ~Q(provider="")
                | Q(connected_from__isnull=False),
                name="bulk_has_a_criterion",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["stopped", "rejected", "done"], ended_at__isnull=False)
                | (~Q(state__in=["stopped", "rejected", "done"]) & Q(ended_at=None)),
                name="bulk_ended_at_iff_ended",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_try_at"],
                condition=Q(state__in=["counting", "running"]),
                name="bulk_with_work",
            ),
        ]

    def __str__(self) -> str:
        return f"bulk revocation {self.id}: {self.state}"
