"""The protocol between the sync engine and its products."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from integrations.coordination.leases import Lease
from integrations.models import Integration, StatusReason, SyncWork
from integrations.push.watch_health import WatchHealth

from .integration_status import SyncFindings


def is_first_in(seconds: int, work: SyncWork, *, at: datetime) -> bool:
    """
    No turn of the work has succeeded yet in the current period.

    :param seconds: length of a period, counted from 1970
    """
    last = work.last_synced_at
    return last is None or last.timestamp() // seconds < at.timestamp() // seconds


class SyncClock:
    def __init__(self, at: datetime) -> None:
        self._at = at
        self._began = time.monotonic()

    def now(self) -> datetime:
        return self._at + timedelta(seconds=time.monotonic() - self._began)


class SyncTurn(Protocol):
    """From the permits to the end of the time budget."""

    @property
    def lease(self) -> Lease: ...

    @property
    def work(self) -> SyncWork: ...

    @property
    def integration(self) -> Integration: ...

    @property
    def clock(self) -> SyncClock: ...

    @property
    def epoch(self) -> int:
        """The integration's, at the permit."""

    @property
    def credential_epoch(self) -> int:
        """The connection's."""

    @property
    def wants_push(self) -> bool:
        """The resource should be watched."""

    @property
    def found_changes(self) -> bool:
        """Changes since the previous poll."""

    @property
    def has_progressed(self) -> bool:
        """The next turn continues after this turn's work."""

    @property
    def awaits_change(self) -> bool:
        """A notified change is not served yet."""

    @property
    def watch(self) -> WatchHealth | None:
        """The live watch."""

    @property
    def has_watch(self) -> bool:
        """Live or requested."""

    def get_silent_since(self, at: datetime) -> datetime | None:
        """Return since when push notifications are missing."""

    def advance(self) -> bool:
        """Continue from the stored position; return whether nothing is left to do."""

    def pause_calls(self, seconds: float) -> None:
        """Pause all calls that share the provider's limit."""

    def get_poll_seconds(self) -> float:
        """Return the usual interval."""

    def get_idle_seconds(self, at: datetime) -> float:
        """Return the interval without push, by the last view."""

    def get_next_retry_at(self) -> datetime | None:
        """Return the next fetch of a delayed item."""

    @property
    def unsaved_values(self) -> dict[str, Any]:
        """Of the work's row, to write under the fence."""

    def get_final_values(self) -> dict[str, Any]:
        """Return values for a finished turn."""

    def get_findings(self, failure_reason: StatusReason) -> SyncFindings:
        """Return the integration's state, with the turn's failure."""


@dataclass(frozen=True, slots=True)
class SyncProduct:
    """
    :param open_turn: asks for permits, and holds the turn's resources
    :param listing_resource: of the work that creates all other work; None if an integration has
        one resource
    """

    open_turn: Callable[[Lease, SyncWork, SyncClock, timedelta], AbstractContextManager[SyncTurn]]
    listing_resource: str | None = None
