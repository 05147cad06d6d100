"""
The tables of the core: keys, ledger, receipts. None points at another package's.

A leaf never changes and never goes: the database itself refuses it (see the
trigger in migrations/sql/ledger_entries.sql), save for the one write of its place.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from accounts.ids import uuid7
from limited_use.policy.key_lines import KeyLine

from .access_rates import HourOfOpens  # noqa: F401
from .ledger_keys import LedgerKey, WrappedLedgerKey  # noqa: F401 - Django finds them here
from .revocable import Given
from .shares import Share  # noqa: F401
from .usage import EvidenceBundle, Gauge, PolicyUse, Refusal, Tally  # noqa: F401

LINES = [str(line) for line in KeyLine]


class DataKey(models.Model):
    """
    The wrapped key of one holder: an integration's content, or a connection's credential.

    Every batch of openings reads this row first; deleting it is the fence.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    holder = models.UUIDField(unique=True)
    line = models.CharField(max_length=16)
    # The holder's own fence: a permit or sealer of another epoch opens and seals nothing.
    epoch = models.PositiveIntegerField(default=1)
    # The first eight bytes of a commitment to the key; stands in every ciphertext's header.
    key_id = models.BinaryField(max_length=8)
    wrapped = models.BinaryField(max_length=128)
    # Under which key-encryption key it is wrapped.
    kek_epoch = models.PositiveIntegerField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(line__in=LINES), name="data_key_line_known"),
        ]
        indexes = [models.Index(fields=["line", "kek_epoch", "id"], name="data_key_by_epoch")]

    def __str__(self) -> str:
        return f"data key of {self.holder}"


class Consent(Given):
    """
    A person's agreement to one feature as it was declared, in one organisation.

    Agreeing again after a withdrawal, or to a newer version, is a new row; none is ever removed.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner_id = models.UUIDField()
    organisation_id = models.UUIDField()
    feature = models.CharField(max_length=64)
    # Blank: all that the feature declares.
    purpose = models.CharField(max_length=32, blank=True, default="", db_default="")
    # Blank: as the feature declares.
    recipient = models.CharField(max_length=32, blank=True, default="", db_default="")
    # The one thing that it is about, by our id; null: whatever the feature is about.
    item = models.UUIDField(null=True)
    # Which declaration was shown when they agreed.
    version = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "owner_id",
                    "organisation_id",
                    "feature",
                    "purpose",
                    "recipient",
                    "item",
                ],
                condition=Q(withdrawn_at=None),
                nulls_distinct=False,
                name="consent_one_live_per_subject",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at=None) | Q(withdrawn_at__gte=F("given_at")),
                name="consent_withdrawn_after_given",
            ),
            models.CheckConstraint(
                condition=Q(expires_at=None) | Q(expires_at__gt=F("given_at")),
                name="consent_expires_after_given",
            ),
            models.CheckConstraint(
                condition=Q(item=None) | Q(expires_at__isnull=False),
                name="consent_to_an_item_has_an_end",
            ),
        ]

    def __str__(self) -> str:
        return f"consent {self.id}"


class KeyEpoch(models.Model):
    """The life of one key-encryption key, as far as it can be told; the key is in the keyring."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    line = models.CharField(max_length=16)
    number = models.PositiveIntegerField()
    began_at = models.DateTimeField()
    destroyed_at = models.DateTimeField(null=True)
    # The ledger entry that says so.
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


class Leaf(models.Model):
    """One ledger entry: exact bytes, and its place once the sequencer has given it one."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # Canonical JSON; what is hashed into the tree.
    payload = models.BinaryField()
    # The name of whose it is, as the payload says it: so that an owner's own are found.
    subject = models.BinaryField(max_length=16, null=True)
    idx = models.BigIntegerField(null=True, unique=True)

    class Meta:
        verbose_name_plural = "leaves"
        indexes = [
            models.Index(fields=["id"], condition=Q(idx=None), name="leaf_without_a_place"),
            models.Index(fields=["subject", "id"], name="leaf_by_subject"),
        ]

    def __str__(self) -> str:
        return f"ledger entry {self.id}"


class Tile(models.Model):
    """
    Up to 256 neighbouring hashes of one level of the tree (levels eight apart).

    Level 0 holds leaf hashes; an entry of level n + 1 is the root of a full tile of level n.
    """

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
    """The tree at one size. Committed first, signed and published afterwards."""

    size = models.BigIntegerField(primary_key=True)
    root = models.BinaryField(max_length=32)
    # The C2SP signed note; empty until it is published.
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
    """From when until when a public key was the one that signs; published, and never removed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # Ledger or receipts.
    role = models.CharField(max_length=16)
    # `name+id+key`, as it is published.
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
    """
    A tombstone that is to be published outside, or was.

    Written with what it is the tombstone of, in one transaction; so none is forgotten.
    """

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


class Receipt(models.Model):
    """The signed proof of one purge. Ids are plain: a receipt outlives what it is about."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # The integration that was purged: one receipt each, of two parts.
    subject_id = models.UUIDField()
    # 1: what was removed and checked. 2: that the epochs of its keys ended as well.
    part = models.PositiveSmallIntegerField(default=1)
    owner_id = models.UUIDField()
    # The exact bytes of the file; the signature covers them.
    document = models.BinaryField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subject_id", "part"], name="receipt_once_per_part"),
            models.CheckConstraint(condition=Q(part__in=[1, 2]), name="receipt_of_two_parts"),
        ]
        indexes = [models.Index(F("owner_id"), F("created_at").desc(), name="receipt_by_owner")]

    def __str__(self) -> str:
        return f"receipt {self.id}"


class ReceiptLink(models.Model):
    """
    A way to one receipt for whoever holds its random token, and to nothing else.

    The token itself is shown once and kept nowhere. Points at no account, and outlives it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    token_hash = models.BinaryField(max_length=32, unique=True)
    subject_id = models.UUIDField(db_index=True)
    made_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"receipt link {self.id}"
