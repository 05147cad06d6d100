"""
The row owner: the person, in one organisation, to whom the rows of this process are limited.

Authentication sets the owner. Each transaction passes it to the database. Policies
(`config.database.policies`) hide all other people's rows; without an owner they show none.
Requests and tasks begin and end without one.

The owner is no permit: the guard decides. It protects against a query that forgets to filter.
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

    :param organisation_id: None for staff; the database then shows personal rows only
    """

    person_id: UUID | None = None
    organisation_id: UUID | None = None


#: The database shows no rows to this owner.
NO_OWNER: Final = RowOwner()
_current: ContextVar[RowOwner] = ContextVar("row_owner", default=NO_OWNER)


def get_owner() -> RowOwner:
    return _current.get()


def enter_person(person_id: UUID, organisation_id: UUID | None) -> None:
    """
    Set the owner until the request or task ends.

    For authentication code only; other code uses `acting_for`.
    """
    _current.set(RowOwner(person_id, organisation_id))


def clear_owner() -> None:
    _current.set(NO_OWNER)


@contextmanager
def acting_for(person_id: UUID, organisation_id: UUID | None) -> Generator[None]:
    """Set the owner within the block, then restore the former owner."""
    with _acting_as(RowOwner(person_id, organisation_id)):
        yield


@contextmanager
def as_owner(owner: RowOwner) -> Generator[None]:
    """Set an owner from `get_owner`, of another thread or an earlier time."""
    with _acting_as(owner):
        yield


@contextmanager
def without_owner() -> Generator[None]:
    """Begin the block without an owner, and drop the owner that it set."""
    with _acting_as(NO_OWNER):
        yield


def stream_as_owner(parts: Iterable[bytes]) -> Iterator[bytes]:
    """
    Yield `parts`, each produced under the current owner.

    A streaming response is produced after its request, when there is no owner.
    """
    return _OwnedStream(parts, get_owner())


class _OwnedStream:
    """Keeps no part in a local variable, so that a crash report shows none."""

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
