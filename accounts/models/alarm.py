"""Alarms for operators: numbers and enums only, never content."""

from __future__ import annotations

from typing import Final, Self

from django.db import models

from accounts.ids import uuid7

MAX_REASON: Final = 200


class AlarmKind(models.TextChoices):
    # A client read the data of unusually many people within a minute.
    MANY_USERS = "client.many_users"
    # A client made far more requests in an hour than it usually does.
    UNUSUAL_VOLUME = "client.unusual_volume"
    # Many assertions in a client's name were rejected within an hour.
    ASSERTIONS_REJECTED = "client.assertions_rejected"


class AlarmQuerySet(models.QuerySet["Alarm"]):
    def open(self) -> Self:
        return self.filter(settled_at=None)


class Alarm(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # Plain text: packages above raise their own kinds.
    kind = models.CharField(max_length=64)
    # Id of the alarm's subject.
    about = models.UUIDField()
    # Distinguishes two alarms; chosen by the caller, such as a cause or a purge's id.
    window = models.CharField(max_length=64)
    body = models.JSONField(default=dict)
    raised_at = models.DateTimeField()
    # How often it was raised while it was open, and when last.
    count = models.BigIntegerField(default=1)
    last_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    # Written by an operator; empty while the alarm is open.
    settled_reason = models.CharField(max_length=MAX_REASON, blank=True, default="")
    # Id of the operator who settled it on the page; null if the command did, or the service.
    settled_by = models.UUIDField(null=True)

    objects = models.Manager.from_queryset(AlarmQuerySet)()

    class Meta:
        constraints = [
            # A settled alarm does not block the next one.
            models.UniqueConstraint(
                fields=["kind", "about", "window"],
                condition=models.Q(settled_at=None),
                name="alarm_open_once_per_window",
            ),
            models.CheckConstraint(
                condition=models.Q(settled_at=None, settled_reason="", settled_by=None)
                | models.Q(settled_at__isnull=False) & ~models.Q(settled_reason=""),
                name="alarm_settled_with_a_reason",
            ),
        ]
        indexes = [
            models.Index(
                fields=["raised_at"], condition=models.Q(settled_at=None), name="alarm_open"
            ),
            models.Index(fields=["kind", "about"], name="alarm_by_subject"),
        ]

    def __str__(self) -> str:
        return f"Alarm {self.kind}"
