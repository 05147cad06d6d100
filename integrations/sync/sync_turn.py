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
    Return whether no turn of the work has succeeded yet in the current period.

    :param seconds: length of a period; periods are counted from 1970
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
    """One worker's turn at sync work, from its permits to the end of its time budget."""

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
        """The integration's epoch at the permit."""

    @property
    def credential_epoch(self) -> int:
        """The connection's epoch."""

    @property
    def wants_push(self) -> bool:
        """The resource is watched, so that changes arrive before the next poll."""

    @property
    def found_changes(self) -> bool:
        """The resource had changed since the previous poll."""

    @property
    def has_progressed(self) -> bool:
        """The next turn continues after this turn's work instead of repeating it."""

    @property
    def awaits_change(self) -> bool:
        """The provider notified a change that it does not serve yet."""

    @property
    def watch(self) -> WatchHealth | None:
        """Health of the resource's live watch."""

    @property
    def has_watch(self) -> bool:
        """The resource has a watch, live or requested."""

    def get_silent_since(self, at: datetime) -> datetime | None:
        """Return since when the integration's push notifications are missing."""

    def advance(self) -> bool:
        """Continue from the stored position. Return whether nothing is left to do now."""

    def pause_calls(self, seconds: float) -> None:
        """Pause all calls that share the provider's limit."""

    def get_poll_seconds(self) -> float:
        """Return the usual seconds between polls."""

    def get_idle_seconds(self, at: datetime) -> float:
        """Return the seconds between polls without push, by the last view."""

    def get_next_retry_at(self) -> datetime | None:
        """Return the next fetch of a delayed item."""

    @property
    def unsaved_values(self) -> dict[str, Any]:
        """Values of the work's row that are still to be written under the fence."""

    def get_final_values(self) -> dict[str, Any]:
        """Return values to write after a finished turn."""

    def get_findings(self, failure_reason: StatusReason) -> SyncFindings:
        """Return the integration's state, with this turn's failure."""


@dataclass(frozen=True, slots=True)
class SyncProduct:
    """
    :param open_turn: asks for the permits of one turn, and holds its resources
    :param listing_resource: of the work that creates the work of all other resources; None if an
        integration has one resource
    """

    open_turn: Callable[[Lease, SyncWork, SyncClock, timedelta], AbstractContextManager[SyncTurn]]
    listing_resource: str | None = None
