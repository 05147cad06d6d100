"""Something that an operator should look at. Numbers and enums only, never content."""

from __future__ import annotations

from typing import Final, Self

from django.db import models

from accounts.ids import uuid7

MAX_REASON: Final = 200


class AlarmKind(models.TextChoices):
    # A client touched the data of unusually many people within a minute.
    MANY_USERS = "client.many_users"
    # Many assertions in the name of a client were rejected within an hour.
    ASSERTIONS_REJECTED = "client.assertions_rejected"


class AlarmQuerySet(models.QuerySet["Alarm"]):
    def open(self) -> Self:
        return self.filter(settled_at=None)


class Alarm(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # Plain text: packages above raise kinds of their own.
    kind = models.CharField(max_length=64)
    # The row it is about, by id.
    about = models.UUIDField()
    # What makes two alarms one: a minute, a purge's id. The caller's choice.
    window = models.CharField(max_length=64)
    body = models.JSONField(default=dict)
    raised_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    # An operator's words; empty while the alarm is open.
    settled_reason = models.CharField(max_length=MAX_REASON, blank=True, default="")

    objects = models.Manager.from_queryset(AlarmQuerySet)()

    class Meta:
        constraints = [
            # One that was settled does not keep the next from being raised.
            models.UniqueConstraint(
                fields=["kind", "about", "window"],
                condition=models.Q(settled_at=None),
                name="alarm_open_once_per_window",
            ),
            models.CheckConstraint(
                condition=models.Q(settled_at=None, settled_reason="")
                | models.Q(settled_at__isnull=False) & ~models.Q(settled_reason=""),
                name="alarm_settled_with_a_reason",
            ),
        ]
        indexes = [
            models.Index(
                fields=["raised_at"], condition=models.Q(settled_at=None), name="alarm_open"
            ),
        ]

    def __str__(self) -> str:
        return f"Alarm {self.kind}"
