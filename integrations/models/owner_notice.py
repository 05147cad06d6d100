from __future__ import annotations

from django.db import models

from accounts.ids import uuid7

from .connection import Connection


class NoticeKind(models.TextChoices):
    RECONNECT = "reconnect"
    RECONNECT_AGAIN = "reconnect_again"
    RECONNECT_LAST = "reconnect_last"
    PURGED = "purged"


class Notice(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=24, choices=NoticeKind)
    # The start of the episode: one notice per episode and kind.
    about_since = models.DateTimeField()
    told_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "kind", "about_since"], name="notice_once_per_episode"
            ),
        ]

    def __str__(self) -> str:
        return f"notice {self.kind} of {self.connection_id}"
