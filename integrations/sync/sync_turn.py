"""The protocol between the sync engine and the products that it syncs."""

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

from .status import SyncFindings


def is_first_in(seconds: int, work: SyncWork, *, at: datetime) -> bool:
    """
    Return whether no turn of the work has ended well yet in the present period.

    :param seconds: the length of periods, counted from 1970
    """
    last = work.last_synced_at
    return last is None or last.timestamp() // seconds < at.timestamp() // seconds


class SyncClock:
    """Counts on from the moment that the edge read."""

    def __init__(self, at: datetime) -> None:
        self._at = at
        self._began = time.monotonic()

    def now(self) -> datetime:
        return self._at + timedelta(seconds=time.monotonic() - self._began)


class SyncTurn(Protocol):
    """One lease on one piece of work, from its permits to the end of its time."""

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
        """The integration's, under which it was permitted."""

    @property
    def credential_epoch(self) -> int:
        """The connection's."""

    @property
    def wants_push(self) -> bool:
        """Whether anybody wants to know of news of it before they ask."""

    @property
    def found_changes(self) -> bool:
        """Whether something had changed since it was last looked at."""

    @property
    def has_progressed(self) -> bool:
        """Whether it got so far that the next turn does not repeat it."""

    @property
    def awaits_change(self) -> bool:
        """Whether something was told of that is not to be read yet."""

    @property
    def watch(self) -> WatchHealth | None:
        """How the provider tells of news of this resource; None while it does not."""

    @property
    def has_watch(self) -> bool:
        """Whether the provider tells of news of this resource, or is being asked to."""

    def get_silent_since(self, at: datetime) -> datetime | None:
        """Return since when the provider has failed to tell of news of the integration, or None."""

    def advance(self) -> bool:
        """Go on where the work stands. Return whether nothing is left to do now."""

    def pause_calls(self, seconds: float) -> None:
        """Call the provider for nothing of its kind until then."""

    def get_poll_seconds(self) -> float:
        """Return for how many seconds nothing has to be looked for, having finished."""

    def get_idle_seconds(self, at: datetime) -> float:
        """Return the seconds between checks without push, by the time since the last look."""

    def get_next_retry_at(self) -> datetime | None:
        """Return when something that is only delayed is fetched again; None if there is none."""

    @property
    def unsaved_values(self) -> dict[str, Any]:
        """Values of the work's row that are still to be written, under the fence."""

    def get_final_values(self) -> dict[str, Any]:
        """Return values of the work's row, having finished."""

    def get_findings(self, failure_reason: StatusReason) -> SyncFindings:
        """Return what is known of the integration now, with what went wrong in this turn."""


@dataclass(frozen=True, slots=True)
class SyncProduct:
    """
    A product as the engine syncs it.

    :param open_turn: asks for the permits of one turn, and holds its resources until it ends
    :param listing: the resource of the work whose turns create the work of all other resources;
        None if an integration has one resource
    """

    open_turn: Callable[[Lease, SyncWork, SyncClock, timedelta], AbstractContextManager[SyncTurn]]
    listing_resource: str | None = None
