from __future__ import annotations

from django.db import models
from django.db.models import Q

from accounts.ids import uuid7
from limited_use.policy.key_lines import KeyLine

LINES = [str(line) for line in KeyLine]


class DataKey(models.Model):
    """
    The wrapped key of one holder: an integration's content, or a connection's credential.

    Every opening batch reads this row. Deleting it is the fence.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    holder = models.UUIDField(unique=True)
    line = models.CharField(max_length=16)
    # The holder's fence epoch: permits and sealers of another epoch open and seal nothing.
    epoch = models.PositiveIntegerField(default=1)
    # The first eight bytes of a commitment to the key, contained in every ciphertext's header.
    key_id = models.BinaryField(max_length=8)
    wrapped = models.BinaryField(max_length=128)
    # The epoch of the key-encryption key that wraps it.
    kek_epoch = models.PositiveIntegerField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(line__in=LINES), name="data_key_line_known"),
        ]
        indexes = [models.Index(fields=["line", "kek_epoch", "id"], name="data_key_by_epoch")]

    def __str__(self) -> str:
        return f"data key of {self.holder}"


class KeyEpoch(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    line = models.CharField(max_length=16)
    number = models.PositiveIntegerField()
    began_at = models.DateTimeField()
    destroyed_at = models.DateTimeField(null=True)
    # The ledger entry of the destruction.
    entry_id = models.UUIDField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(line__in=LINES), name="key_epoch_line_known"),
            models.UniqueConstraint(fields=["line", "number"], name="key_epoch_once_per_line"),
            models.CheckConstraint(
                condition=Q(destroyed_at=None, entry_id=None)
                | Q(destroyed_at__isnull=False, entry_id__isnull=False),
                name="key_epoch_destroyed_iff_recorded",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.line} key epoch {self.number}"
