"""
The ledger: entries, tree tiles, checkpoints, signing keys and owed tombstones.

A trigger (migrations/sql/ledger_entries.sql) allows only the single write of an entry's
index, or of why it has none.
"""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q

from accounts.ids import uuid7


class LeafQuerySet(models.QuerySet["Leaf"]):
    def waiting(self) -> Self:
        """Keep the rows that the sequencer has not seen."""
        return self.filter(idx=None, fault="")


class Leaf(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # Canonical JSON, hashed into the tree.
    payload = models.BinaryField()
    # The subject's pseudonym from the payload, to find an owner's entries.
    subject = models.BinaryField(max_length=16, null=True)
    idx = models.BigIntegerField(null=True, unique=True)
    # The login that inserted the row: a trigger writes it.
    writer = models.CharField(max_length=63, db_default="", editable=False)
    # Why the sequencer set the row aside (`ledger.entry_form`); empty: it did not.
    fault = models.CharField(max_length=8, db_default="", editable=False)

    objects = models.Manager.from_queryset(LeafQuerySet)()

    class Meta:
        verbose_name_plural = "leaves"
        indexes = [
            models.Index(
                fields=["id"], condition=Q(idx=None, fault=""), name="leaf_without_a_place"
            ),
            models.Index(fields=["subject", "id"], name="leaf_by_subject"),
        ]

    def __str__(self) -> str:
        return f"ledger entry {self.id}"


class Tile(models.Model):
    """Up to 256 neighbouring hashes of one level. See `ledger.tree_tiles`."""

    id = models.BigAutoField(primary_key=True)
    level = models.PositiveSmallIntegerField()
    position = models.BigIntegerField()
    hashes = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["level", "position"], name="tile_once_per_place"),
        ]

    def __str__(self) -> str:
        return f"tile {self.level}/{self.position}"


class Checkpoint(models.Model):
    """The tree at one size: committed first, then signed and published."""

    size = models.BigIntegerField(primary_key=True)
    root = models.BinaryField(max_length=32)
    # C2SP signed note; empty until published.
    note = models.TextField(blank=True, default="")
    made_at = models.DateTimeField()
    signed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(note="", signed_at=None) | (~Q(note="") & Q(signed_at__isnull=False)),
                name="checkpoint_signed_at_iff_it_has_a_note",
            ),
        ]

    def __str__(self) -> str:
        return f"checkpoint of {self.size}"


class VerifierKeyPeriod(models.Model):
    """The period in which a public key signs. Published, and never deleted."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # Ledger or receipts.
    role = models.CharField(max_length=16)
    # `name+id+key`, the published form.
    verifier_key = models.CharField(max_length=255)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["role"], condition=Q(until=None), name="verifier_key_one_signs_per_role"
            ),
        ]

    def __str__(self) -> str:
        return self.verifier_key


class OwedTombstone(models.Model):
    """A tombstone to publish, or published; the transaction that destroys the key writes it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # See `vault.tombstones.Tombstone`.
    kind = models.CharField(max_length=16)
    value = models.CharField(max_length=64)
    published_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "value"], name="tombstone_once"),
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(published_at=None), name="tombstone_owed"),
        ]

    def __str__(self) -> str:
        return f"tombstone of a {self.kind}"
