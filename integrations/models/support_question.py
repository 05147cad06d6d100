from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import models
from django.db.models import Q

from accounts.ids import uuid7

from .support import MAX_TEXT, MAX_TICKET, SupportLookup, SupportReason

QUESTION_LASTS: Final = timedelta(days=7)


class ItemKind(models.TextChoices):
    MESSAGE = "message"
    EVENT = "event"


class QuestionState(models.TextChoices):
    WAITING = "waiting"
    ALLOWED = "allowed"
    DECLINED = "declined"
    # The agent no longer needs it.
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class SupportQuestion(models.Model):
    """An agent asks a person to open one message or event. The person chooses which one."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agent_id = models.UUIDField()
    lookup = models.ForeignKey(SupportLookup, on_delete=models.PROTECT, related_name="questions")
    user = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=16, choices=ItemKind)
    reason = models.CharField(max_length=24, choices=SupportReason)
    # What the agent wants to see and why, as the person reads it.
    text = models.CharField(max_length=MAX_TEXT)
    ticket = models.CharField(max_length=MAX_TICKET, blank=True)
    state = models.CharField(max_length=16, choices=QuestionState, default=QuestionState.WAITING)
    asked_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    # The chosen item, and its consent.
    item = models.UUIDField(null=True)
    consent_id = models.UUIDField(null=True)
    notified_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            # See `SupportLookup`.
            models.CheckConstraint(
                condition=Q(
                    kind__in=ItemKind.values,
                    reason__in=SupportReason.values,
                    state__in=QuestionState.values,
                ),
                name="support_question_has_known_words",
            ),
            models.CheckConstraint(
                condition=Q(state="allowed", item__isnull=False, consent_id__isnull=False)
                | (~Q(state="allowed") & Q(item=None, consent_id=None)),
                name="support_question_allowed_iff_it_has_an_item",
            ),
            models.CheckConstraint(
                condition=Q(state="waiting", answered_at=None)
                | (~Q(state="waiting") & Q(answered_at__isnull=False)),
                name="support_question_answered_at_iff_answered",
            ),
        ]
        indexes = [
            models.Index(fields=["agent_id", "asked_at"], name="support_question_by_agent"),
            models.Index(fields=["user", "asked_at"], name="support_question_by_person"),
            models.Index(
                fields=["expires_at"], condition=Q(state="waiting"), name="support_question_waiting"
            ),
        ]

    def __str__(self) -> str:
        return f"support question {self.id}: {self.state}"
