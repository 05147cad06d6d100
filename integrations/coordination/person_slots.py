"""
Limits for one person: concurrent waits for providers, concurrent streams, and concurrent uploads.

A third of any kind is refused at once, so that one person cannot occupy all threads of a web
process. Each process counts its own: a count in memory needs no lease and no sweep.
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

#: Concurrent waits, streams and uploads of one person.
MOST_WAITS: Final = 2
MOST_STREAMS: Final = 2
MOST_UPLOADS: Final = 2
#: Seconds that one request may wait for quota, over all of its calls.
QUOTA_PATIENCE: Final = 1.0


class TooManyWaits(Exception):
    """The person waits for providers in two other requests. Nothing was done; ask again soon."""


class TooManyStreams(Exception):
    """The person downloads two other files. Nothing was done; ask again when one has ended."""


class TooManyUploads(Exception):
    """The person sends two other files. Nothing was stored; send again when one has ended."""


class PersonRequestSlot:
    """
    Occupied until it is given back or garbage-collected. As a context manager it gives itself
    back if the block fails; after success its new holder does (`hold_stream_slot`).
    """

    __slots__ = ("__weakref__", "_budget", "_person_id")

    def __init__(self, budget: PersonSlotBudget, person_id: UUID) -> None:
        self._budget, self._person_id = budget, person_id

    def give_back(self) -> None:
        """Repeated calls do nothing."""
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


class PersonSlotBudget:
    """
    Slots are held by weak references: a dropped response that was not closed frees its slot.

    :param most: slots of one person
    :param refusal: raised if all are lent
    """

    def __init__(self, most: int, refusal: type[Exception]) -> None:
        self._most = most
        self._refusal = refusal
        self._lent: dict[UUID, list[weakref.ref[PersonRequestSlot]]] = {}
        self._lock = Lock()

    def lend_slot(self, person_id: UUID) -> PersonRequestSlot:
        with self._lock:
            lent_slots = self._find_lent_slots(person_id)
            if len(lent_slots) >= self._most:
                raise self._refusal
            slot = PersonRequestSlot(self, person_id)
            self._lent[person_id] = [*lent_slots, weakref.ref(slot)]
            return slot

    def take_slot_back(self, slot: PersonRequestSlot, person_id: UUID) -> None:
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
        with self._lock:
            return len(self._find_lent_slots(person_id))

    def _find_lent_slots(self, person_id: UUID) -> list[weakref.ref[PersonRequestSlot]]:
        return [reference for reference in self._lent.get(person_id, ()) if reference() is not None]


WAIT_SLOTS: Final = PersonSlotBudget(MOST_WAITS, TooManyWaits)
STREAM_SLOTS: Final = PersonSlotBudget(MOST_STREAMS, TooManyStreams)
UPLOAD_SLOTS: Final = PersonSlotBudget(MOST_UPLOADS, TooManyUploads)


@dataclass(slots=True)
class ProviderWait:
    """:param quota_patience: seconds left for waiting for quota"""

    quota_patience: float = QUOTA_PATIENCE


_current: ContextVar[ProviderWait | None] = ContextVar("wait", default=None)


@contextmanager
def hold_wait_slot() -> Iterator[ProviderWait]:
    """
    Nested blocks of a request share one slot.

    A request that acts for no person needs none: the database shows it no rows, so it has no
    provider to ask.

    :raises TooManyWaits:
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


@contextmanager
def hold_upload_slot(person_id: UUID) -> Iterator[None]:
    """
    Hold a slot while a body is stored.

    :raises TooManyUploads:
    """
    slot = UPLOAD_SLOTS.lend_slot(person_id)
    try:
        yield
    finally:
        slot.give_back()


def hold_stream_slot(slot: PersonRequestSlot, parts: Iterator[bytes]) -> Iterator[bytes]:
    """Stream `parts`; `slot` is held until they end or are closed."""
    return _SlotHoldingIterator(slot, parts)


class _SlotHoldingIterator:
    def __init__(self, slot: PersonRequestSlot, parts: Iterator[bytes]) -> None:
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
        try:
            close = getattr(self._parts, "close", None)
            if close is not None:
                close()
        finally:
            self._slot.give_back()
