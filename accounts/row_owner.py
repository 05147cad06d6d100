"""
The row owner: the person, in one organisation, for whom the database shows rows.

Code that identifies the person of a request or task sets the owner; each transaction passes it to
the policies (`config.database.row_security`), which hide rows of other people. With no owner there
are no rows.

The owner protects against a query without a filter by owner. The guard alone gives permits.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, NamedTuple
from uuid import UUID


class RowOwner(NamedTuple):
    """:param organisation_id: None for staff; then the database shows personal rows only"""

    person_id: UUID | None = None
    organisation_id: UUID | None = None


#: The database shows no rows to this owner.
NO_OWNER: Final = RowOwner()
_current: ContextVar[RowOwner] = ContextVar("row_owner", default=NO_OWNER)


def get_owner() -> RowOwner:
    return _current.get()


def enter_person(person_id: UUID, organisation_id: UUID | None) -> None:
    """Set the owner until the request or task ends. Only for authentication; see `acting_for`."""
    _current.set(RowOwner(person_id, organisation_id))


def clear_owner() -> None:
    _current.set(NO_OWNER)


@contextmanager
def acting_for(person_id: UUID, organisation_id: UUID | None) -> Generator[None]:
    with _acting_as(RowOwner(person_id, organisation_id)):
        yield


@contextmanager
def as_owner(owner: RowOwner) -> Generator[None]:
    """Set an owner that `get_owner` returned earlier, or in another thread."""
    with _acting_as(owner):
        yield


@contextmanager
def without_owner() -> Generator[None]:
    """Begin the block without an owner, and drop an owner set in it."""
    with _acting_as(NO_OWNER):
        yield


def stream_as_owner(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield parts under the current owner, although the request has ended by then."""
    return _OwnedStream(parts, get_owner())


class _OwnedStream:
    """Gives no part a local name, so that a crash report shows none."""

    def __init__(self, parts: Iterable[bytes], owner: RowOwner) -> None:
        self._parts, self._owner = iter(parts), owner

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        with _acting_as(self._owner):
            return next(self._parts)

    def close(self) -> None:
        close = getattr(self._parts, "close", None)
        if close is not None:
            with _acting_as(self._owner):
                close()


@contextmanager
def _acting_as(owner: RowOwner) -> Generator[None]:
    token = _current.set(owner)
    try:
        yield
    finally:
        _current.reset(token)
