"""
Types of a decision: the request to use data, the fences of its permit, and the permit.

Guard, agreements, vault and sinks share these types, so this module imports none of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from accounts.actors import Actor

from .policy.vocabulary import Fact, Use


class FenceKind(StrEnum):
    DELEGATION = "delegation"
    MEMBERSHIP = "membership"
    CONSENT = "consent"
    SHARE = "share"


@dataclass(frozen=True, slots=True)
class Fence:
    """A withdrawable grant. Each opening checks that it is live and has this epoch."""

    kind: FenceKind
    id: UUID
    epoch: int


class PseudonymNaming(Protocol):
    """Pseudonyms of the ledger: 32 hexadecimal digits, the same for the same id."""

    def __call__(self, subject_id: UUID) -> str:
        """Return the pseudonym of an id in entries about its use."""

    def at_the_end(self, subject_id: UUID) -> str:
        """Return the pseudonym of an id in entries about its removal, as its receipt shows it."""


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """A request to use one holder's data of one class, with the facts found for it."""

    use: Use
    # Owner of the data key: an integration, a connection (for account and access token), or a
    # grant.
    holder: UUID
    # The holder's fence epoch at the time of the facts.
    epoch: int
    actor: Actor
    on_behalf_of: UUID | None
    facts: frozenset[Fact]
    fences: tuple[Fence, ...] = ()
    feature: str | None = None
    # Number of rows to open, if known.
    count: int | None = None
    # The request's only row, if it is about one. Its permit opens no other row.
    item: UUID | None = None
    # Subject of the ledger entry, if the holder is only a part of it.
    about: UUID | None = None
    # Source connection of data that may return to its own provider.
    account: UUID | None = None
    # Pseudonyms under the subject's own ledger key, if there is one.
    names: PseudonymNaming | None = None


@dataclass(frozen=True, slots=True)
class Permit:
    """A recorded decision. Opens one data class of one holder, for at most a minute."""

    use: Use
    holder: UUID
    epoch: int
    actor: Actor
    fences: tuple[Fence, ...]
    entry_id: UUID
    expires_at: datetime
    item: UUID | None = None
    # The only account, at its own provider, that may receive the data.
    account: UUID | None = None
