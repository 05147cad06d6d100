"""What the guard is asked: a use of somebody's data, and what was found true of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from accounts.actors import Actor

from .ledger.names import Naming
from .vocabulary import Fact, Use


class FenceKind(StrEnum):
    DELEGATION = "delegation"
    MEMBERSHIP = "membership"
    CONSENT = "consent"
    SHARE = "share"


@dataclass(frozen=True, slots=True)
class Fence:
    """Something that can be withdrawn: each opening compares its epoch, and that it is live."""

    kind: FenceKind
    id: UUID
    epoch: int


@dataclass(frozen=True, slots=True)
class Ask:
    """One use of one holder's data of one class, with the facts that were found."""

    use: Use
    # Whose key: an integration, a connection for account and access token, or its grant.
    holder: UUID
    # The holder's fence epoch, as it was when the facts were found.
    epoch: int
    actor: Actor
    on_behalf_of: UUID | None
    facts: frozenset[Fact]
    fences: tuple[Fence, ...] = ()
    feature: str | None = None
    # How many rows the request will open, when known.
    count: int | None = None
    # The one row that it is about, where it is about one: its permit opens no other.
    item: UUID | None = None
    # Whose it is in the ledger, where the key's holder is but a part of that.
    about: UUID | None = None
    # Of what may go back to the own provider: which account there it came from (a connection).
    account: UUID | None = None
    # What the ledger calls it and all who have to do with it, where it has names of its own.
    names: Naming | None = None
