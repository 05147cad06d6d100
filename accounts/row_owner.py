"""
Whose rows the database shows: one person's, in one organisation of theirs.

Whoever finds out for whom something is done enters that person; each transaction then tells the
database, whose policies (`config.database.policies`) hide what is anybody else's. Nobody entered
means no rows. A request and a task begin and end with nobody.

It is no permit. The guard decides what may be done with a row; this is the wall behind a query
that forgot whose rows it wanted.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, NamedTuple
from uuid import UUID


class Owner(NamedTuple):
    """
    A person, and where they act.

    :param organisation_id: None: nowhere, as staff do; then only what is theirs alone is shown
    """

    person_id: UUID | None = None
    organisation_id: UUID | None = None


#: Sees no rows.
NO_OWNER: Final = Owner()
_current: ContextVar[Owner] = ContextVar("row_owner", default=NO_OWNER)


def get_owner() -> Owner:
    """Return who is entered."""
    return _current.get()


def enter_person(person_id: UUID, organisation_id: UUID | None) -> None:
    """
    Act for this person until the request or task ends, or somebody else is entered.

    For whoever has just found out who is asking; anybody else uses `acting_for`.
    """
    _current.set(Owner(person_id, organisation_id))


def clear_owner() -> None:
    """Act for nobody."""
    _current.set(NO_OWNER)


@contextmanager
def acting_for(person_id: UUID, organisation_id: UUID | None) -> Generator[None]:
    """Act for this person within the block, whoever was entered before, and is again after it."""
    with _acting_as(Owner(person_id, organisation_id)):
        yield


@contextmanager
def as_owner(owner: Owner) -> Generator[None]:
    """Act for whom `current` returned elsewhere: in another thread, or later."""
    with _acting_as(owner):
        yield


@contextmanager
def without_owner() -> Generator[None]:
    """Begin with nobody, and take back at the end of the block whoever was entered in it."""
    with _acting_as(NO_OWNER):
        yield


def stream_as_owner(parts: Iterable[bytes]) -> Iterator[bytes]:
    """
    Yield `parts`, each made for whoever is entered now.

    What a response streams is made after the request ended, when nobody is entered any more.
    """
    return _OwnedStream(parts, get_owner())


class _OwnedStream:
    """No part has a name here: what breaks off shows none of them in its report."""

    def __init__(self, parts: Iterable[bytes], owner: Owner) -> None:
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
def _acting_as(owner: Owner) -> Generator[None]:
    token = _current.set(owner)
    try:
        yield
    finally:
        _current.reset(token)
