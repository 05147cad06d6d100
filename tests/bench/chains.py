"""
Baseline of the ledger: a global hash chain, whose head every writer needs before it can write.

And the business row that both sides write first.
"""

from __future__ import annotations

import hashlib

from django.db import models

from accounts.ids import uuid7


class Deed(models.Model):
    """What somebody did: the row that a ledger entry goes with, in one transaction."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    owner_id = models.UUIDField(db_index=True)
    said = models.CharField(max_length=64)
    done_at = models.DateTimeField()

    class Meta:
        app_label = "bench"

    def __str__(self) -> str:
        return f"deed {self.id}"


class Link(models.Model):
    """One entry of the chain: its bytes, and a hash of them and of the link before."""

    payload = models.BinaryField()
    hash = models.BinaryField()

    class Meta:
        app_label = "bench"

    def __str__(self) -> str:
        return f"link {self.pk}"


def check_chain(*, count: int) -> None:
    """:raises AssertionError: unless there are `count` links, each made of the one before"""
    found, before = 0, b""
    for payload, kept in Link.objects.order_by("id").values_list("payload", "hash").iterator():
        before = hashlib.sha256(before + bytes(payload)).digest()
        if bytes(kept) != before:
            raise AssertionError(f"the chain forks at its link {found}")
        found += 1
    if found != count:
        raise AssertionError(f"{found} links instead of {count}")
