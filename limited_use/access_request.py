"""Types of decisions for guard, agreements, vault and sinks; they import none of these."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from accounts.actors import Actor

from .policy.policy_vocabulary import Fact, Use


class FenceKind(StrEnum):
    DELEGATION = "delegation"
    MEMBERSHIP = "membership"
    CONSENT = "consent"
    SHARE = "share"


@dataclass(frozen=True, slots=True)
class Fence:
    """A grant that can be withdrawn. Each opening checks that it is live and of this epoch."""

    kind: FenceKind
    id: UUID
    epoch: int


class PseudonymNaming(Protocol):
    def __call__(self, subject_id: UUID) -> str:
        """Name entries about use."""

    def at_the_end(self, subject_id: UUID) -> str:
        """Name entries about removal, which receipts show."""


@dataclass(frozen=True, slots=True)
class AccessRequest:
    use: Use
    # An integration, a connection (account, access token) or a grant.
    holder: UUID
    # At the time of the facts.
    epoch: int
    actor: Actor
    on_behalf_of: UUID | None
    facts: frozenset[Fact]
    fences: tuple[Fence, ...] = ()
    feature: str | None = None
    count: int | None = None
    # The only row; the permit opens no other.
    item: UUID | None = None
    # If the ledger entry is not about the holder.
    about: UUID | None = None
    # Source of data that may return to its provider.
    account: UUID | None = None
    # Under the subject's own ledger key.
    names: PseudonymNaming | None = None


@dataclass(frozen=True, slots=True)
class Permit:
    """Opens one data class of one holder, for a minute at most."""

    use: Use
    holder: UUID
    epoch: int
    actor: Actor
    fences: tuple[Fence, ...]
    entry_id: UUID
    expires_at: datetime
    item: UUID | None = None
    # The only account that may receive the data.
    account: UUID | None = None
