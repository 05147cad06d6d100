"""
The row owner: the person whose rows the database shows, in one organisation.

Code that identifies the person of a request or task sets the owner. Each transaction then passes
the owner to the database, and its policies (`config.database.policies`) hide the rows of all other
people. Without an owner there are no rows. A request and a task begin and end without one.

The owner is no permit. The guard decides what may be done with a row; this protects against a
query that forgot to filter by owner.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, NamedTuple
from uuid import UUID


class RowOwner(NamedTuple):
    """
    A person and an organisation.

    :param organisation_id: None for staff; then the database shows personal rows only
    """

    person_id: UUID | None = None
    organisation_id: UUID | None = None


#: With this owner the database shows no rows.
NO_OWNER: Final = RowOwner()
_current: ContextVar[RowOwner] = ContextVar("row_owner", default=NO_OWNER)


def get_owner() -> RowOwner:
    """Return the current owner."""
    return _current.get()


def enter_person(person_id: UUID, organisation_id: UUID | None) -> None:
    """
    Set the owner until the request or task ends.

    For authentication code only; other code uses `acting_for`.
    """
    _current.set(RowOwner(person_id, organisation_id))


def clear_owner() -> None:
    """Remove the owner."""
    _current.set(NO_OWNER)


@contextmanager
def acting_for(person_id: UUID, organisation_id: UUID | None) -> Generator[None]:
    """Set the owner within the block, and restore the former owner after it."""
    with _acting_as(RowOwner(person_id, organisation_id)):
        yield


@contextmanager
def as_owner(owner: RowOwner) -> Generator[None]:
    """Set an owner that `get_owner` returned in another thread, or earlier."""
    with _acting_as(owner):
        yield


@contextmanager
def without_owner() -> Generator[None]:
    """Run the block without an owner at first, and drop at its end the owner that it set."""
    with _acting_as(NO_OWNER):
        yield


def stream_as_owner(parts: Iterable[bytes]) -> Iterator[bytes]:
    """
    Yield `parts`, each produced under the current owner.

    Parts of a streaming response are produced after the request ended, when there is no owner.
    """
    return _OwnedStream(parts, get_owner())


class _OwnedStream:
    """Gives no part a local name, so that a crash report does not show the parts."""

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
