from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from accounts.ids import uuid7

from .connection import Integration


class Reply(models.Model):
    """
    One request with an `Idempotency-Key`, kept for a day, without content.

    :ivar key_blind: the sender, the endpoint and the key
    :ivar body_blind: the request body
    :ivar held_until: end of the worker's lease; null when free
    :ivar status: the response status; null until the request is done
    :ivar result_id: the created object, such as an event or a message of the outbox
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    integration = models.ForeignKey(Integration, on_delete=models.PROTECT, related_name="+")
    user_id = models.UUIDField()
    organisation_id = models.UUIDField()
    key_blind = models.BinaryField(max_length=32)
    body_blind = models.BinaryField(max_length=32)
    began_at = models.DateTimeField()
    held_until = models.DateTimeField(null=True)
    status = models.PositiveSmallIntegerField(null=True)
    result_id = models.UUIDField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key_blind"], name="reply_one_per_key"),
            models.CheckConstraint(
                condition=Q(status=None) | Q(status__range=(200, 299)),
                name="reply_of_what_was_done",
            ),
            models.CheckConstraint(
                condition=Q(status=None, result_id=None) | Q(status__isnull=False, held_until=None),
                name="reply_held_or_answered",
            ),
            models.CheckConstraint(
                condition=Q(held_until=None) | Q(held_until__gt=F("began_at")),
                name="reply_held_after_it_began",
            ),
        ]
        indexes = [models.Index(fields=["began_at"], name="reply_by_age")]

    def __str__(self) -> str:
        return f"reply {self.id}"
