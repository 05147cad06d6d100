"""
Types of decisions, shared by guard, agreements, vault and sinks. They import none of these
packages.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol
from uuid import UUID

from accounts.actors import Actor

from .policy.policy_vocabulary import Fact, Use

#: Subject of ledger entries about canary data, which a reviewer's run seals and destroys again
#: (`evidence.forbidden_use_run`). It is nobody's connection.
CANARY_ID: Final = UUID("ca9a2700-0000-4000-8000-000000000000")


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
        """Return the pseudonym for entries about use."""

    def at_the_end(self, subject_id: UUID) -> str:
        """Return the pseudonym for entries about removal, which the receipt shows."""


@dataclass(frozen=True, slots=True)
class AccessRequest:
    use: Use
    # Owner of the data key: an integration, a connection (account and access token), or a grant.
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
    """One recorded decision. Opens one data class of one holder, for a minute at most."""

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
