"""Something that an operator should look at. Numbers and enums only, never content."""

from __future__ import annotations

from typing import Self

from django.db import models

from accounts.ids import uuid7


class AlarmKind(models.TextChoices):
    # A client touched the data of unusually many people within a minute.
    MANY_USERS = "client.many_users"


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

    objects = models.Manager.from_queryset(AlarmQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "about", "window"], name="alarm_raised_once_per_window"
            ),
        ]
        indexes = [
            models.Index(
                fields=["raised_at"], condition=models.Q(settled_at=None), name="alarm_open"
            ),
        ]

    def __str__(self) -> str:
        return f"Alarm {self.kind}"
