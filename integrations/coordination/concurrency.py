"""
How many waits for a provider, and how many streams, one person may have at a time.

Each of them keeps a thread of a web process. One person gets two of either kind; a third is refused
at once, so that a greedy person waits for themself and nobody else does.

Each web process counts its own: its threads are what is protected, and a count that ends with its
process needs no lease and no sweep. With several web processes, a person gets two in each of them.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from threading import Lock
from types import TracebackType
from typing import Final, Self
from uuid import UUID

from accounts import row_owner

#: Waits for a provider, and streams, of one person at a time.
MOST_WAITS: Final = 2
MOST_STREAMS: Final = 2
#: Seconds that one request may wait for a provider's quota, over all calls that it makes.
QUOTA_PATIENCE: Final = 1.0


class TooManyWaits(Exception):
    """The person waits for a provider in two other requests. Nothing was done: ask again soon."""


class TooManyStreams(Exception):
    """The person downloads two other files. Nothing was done: ask again when one has ended."""


class PersonSlot:
    """
    One of a person's slots, in use until it is given back or until nothing refers to it.

    As a context manager it is given back if the block fails; otherwise whatever the block handed
    it to gives it back (`hold_slot`).
    """

    __slots__ = ("__weakref__", "_budget", "_person_id")

    def __init__(self, budget: SlotBudget, person_id: UUID) -> None:
        self._budget, self._person_id = budget, person_id

    def give_back(self) -> None:
        """Let the person have it again. Another time it does nothing."""
        self._budget.take_slot_back(self, self._person_id)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self.give_back()


class SlotBudget:
    """
    Slots that are lent per person.

    An answer that is dropped without being closed gives its slot back as well: slots are held
    weakly, and those that are gone are not counted.

    :param most: of one person at a time
    :param refusal: raised when all of them are lent
    """

    def __init__(self, most: int, refusal: type[Exception]) -> None:
        self._most = most
        self._refusal = refusal
        self._lent: dict[UUID, list[weakref.ref[PersonSlot]]] = {}
        self._lock = Lock()

    def lend_slot(self, person_id: UUID) -> PersonSlot:
        """
        Return a slot at once.

        :raises: the refusal, if the person has all of theirs
        """
        with self._lock:
            lent_slots = self._find_lent_slots(person_id)
            if len(lent_slots) >= self._most:
                raise self._refusal
            slot = PersonSlot(self, person_id)
            self._lent[person_id] = [*lent_slots, weakref.ref(slot)]
            return slot

    def take_slot_back(self, slot: PersonSlot, person_id: UUID) -> None:
        """Count `slot` no more. See `Slot.give_back`."""
        with self._lock:
            remaining_slots = [
                reference
                for reference in self._find_lent_slots(person_id)
                if reference() is not slot
            ]
            if remaining_slots:
                self._lent[person_id] = remaining_slots
            else:
                self._lent.pop(person_id, None)

    def count_lent(self, person_id: UUID) -> int:
        """Return how many slots the person has now."""
        with self._lock:
            return len(self._find_lent_slots(person_id))

    def _find_lent_slots(self, person_id: UUID) -> list[weakref.ref[PersonSlot]]:
        return [reference for reference in self._lent.get(person_id, ()) if reference() is not None]


WAIT_SLOTS: Final = SlotBudget(MOST_WAITS, TooManyWaits)
STREAM_SLOTS: Final = SlotBudget(MOST_STREAMS, TooManyStreams)


@dataclass(slots=True)
class ProviderWait:
    """
    A wait for a provider that is under way.

    :param quota_patience: seconds that are left for waiting for quota
    """

    quota_patience: float = QUOTA_PATIENCE


_current: ContextVar[ProviderWait | None] = ContextVar("wait", default=None)


@contextmanager
def hold_wait_slot() -> Iterator[ProviderWait]:
    """
    Hold a slot of the person for whom this request acts while a provider is waited for.

    Within a block, further blocks of the same request belong to it. A request that acts for nobody
    holds none: the database shows it no rows, so it has nothing to ask a provider for.

    :raises TooManyWaits: if the person has all of theirs
    """
    wait = _current.get()
    if wait is not None:
        yield wait
        return
    person_id = row_owner.get_owner().person_id
    slot = WAIT_SLOTS.lend_slot(person_id) if person_id is not None else None
    wait = ProviderWait()
    token = _current.set(wait)
    try:
        yield wait
    finally:
        _current.reset(token)
        if slot is not None:
            slot.give_back()


def hold_slot(slot: PersonSlot, parts: Iterator[bytes]) -> Iterator[bytes]:
    """Return `parts` for a `StreamingHttpResponse`; `slot` is held until they end or are closed."""
    return _SlotHoldingIterator(slot, parts)


class _SlotHoldingIterator:
    def __init__(self, slot: PersonSlot, parts: Iterator[bytes]) -> None:
        self._slot, self._parts = slot, parts

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._parts)
        except BaseException:
            self._slot.give_back()
            raise

    def close(self) -> None:
        """Let go of what was not sent, as when the client went away."""
        try:
            close = getattr(self._parts, "close", None)
            if close is not None:
                close()
        finally:
            self._slot.give_back()
