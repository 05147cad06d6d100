"""
The types of a decision: the request to use data, the fences on the answer, and the permit.

Guard, agreements, vault and sinks share these types. So they import none of those packages.
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
    """A grant that can be withdrawn. Each opening checks that it is live and has this epoch."""

    kind: FenceKind
    id: UUID
    epoch: int


class PseudonymNaming(Protocol):
    """The ledger's pseudonyms: 32 hexadecimal digits, the same for the same id."""

    def __call__(self, subject_id: UUID) -> str:
        """Return the pseudonym of an id in entries about its use."""

    def at_the_end(self, subject_id: UUID) -> str:
        """Return the pseudonym of an id in entries about its removal, which its receipt shows."""


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """A request to use one holder's data of one class, with the facts that were found."""

    use: Use
    # The owner of the data key: an integration; a connection for account and access token; a grant.
    holder: UUID
    # The holder's fence epoch when the facts were found.
    epoch: int
    actor: Actor
    on_behalf_of: UUID | None
    facts: frozenset[Fact]
    fences: tuple[Fence, ...] = ()
    feature: str | None = None
    # The number of rows to open, if known.
    count: int | None = None
    # The row that the request is about, if it is about one. Its permit opens no other row.
    item: UUID | None = None
    # The ledger entry's subject, if the holder is only a part of the subject.
    about: UUID | None = None
    # The connection that the data came from, for data that may go back to its own provider.
    account: UUID | None = None
    # Pseudonyms under the subject's own ledger key, if it has one.
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
    # The only account that the data may go back to, at its own provider.
    account: UUID | None = None
