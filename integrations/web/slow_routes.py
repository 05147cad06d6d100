"""
Which routes keep a thread while somebody else is slow: a provider, or the client that reads.

By the name of the address. Of each of them a person gets so many at a time (`concurrency`), and so
many in a minute (`find_rates`). A test follows every view and fails for one that waits or streams
and is not here.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from accounts.rate_limits import Rate

#: Requests of one person, over all routes of the kind. Each needs a fraction of a second at best.
PROVIDER: Final = Rate("provider", 240, 60)
DOWNLOAD: Final = Rate("download", 60, 60)


class RouteCost(StrEnum):
    """What a request may keep its thread for."""

    #: It asks a provider, or waits for a worker that asks it.
    WAIT = "wait"
    #: Its answer is made while it is read.
    STREAM = "stream"
    #: Both, one after the other.
    WAIT_AND_STREAM = "wait_and_stream"


COSTLY_ROUTES: Final[Mapping[str, RouteCost]] = {
    # Mail.
    "inbox-search": RouteCost.WAIT,
    "inbox-elsewhere": RouteCost.WAIT,
    "inbox-elsewhere-body": RouteCost.WAIT,
    # Of a text with pictures.
    "inbox-body": RouteCost.WAIT,
    "inbox-elsewhere-file": RouteCost.WAIT_AND_STREAM,
    "inbox-attachment": RouteCost.WAIT_AND_STREAM,
    "api-attachment": RouteCost.WAIT_AND_STREAM,
    "settings-export": RouteCost.STREAM,
    # Calendars: copies that are too old, and what is written at a provider.
    "calendar-event": RouteCost.WAIT,
    "calendar-event-description": RouteCost.WAIT,
    "calendar-answer": RouteCost.WAIT,
    "calendar-edit": RouteCost.WAIT,
    "calendar-delete": RouteCost.WAIT,
    "calendar-move": RouteCost.WAIT,
    "calendar-new": RouteCost.WAIT,
    "calendar-find": RouteCost.WAIT,
    "api-events": RouteCost.WAIT,
    "api-event": RouteCost.WAIT,
    "api-event-response": RouteCost.WAIT,
    "api-event-move": RouteCost.WAIT,
    "api-free-busy": RouteCost.WAIT,
    "api-availability": RouteCost.WAIT,
    "settings-local-calendar-file": RouteCost.STREAM,
    "api-calendar-export": RouteCost.STREAM,
    # Connecting, and the person's record.
    "connect-callback": RouteCost.WAIT,
    "settings-uses-csv": RouteCost.STREAM,
    "settings-uses-json": RouteCost.STREAM,
}

_RATES: Final[Mapping[RouteCost, tuple[Rate, ...]]] = {
    RouteCost.WAIT: (PROVIDER,),
    RouteCost.STREAM: (DOWNLOAD,),
    RouteCost.WAIT_AND_STREAM: (PROVIDER, DOWNLOAD),
}


def find_rates(name: str | None) -> tuple[Rate, ...]:
    """Return what a request for the route of this name counts towards, besides its class."""
    cost = COSTLY_ROUTES.get(name or "")
    return _RATES[cost] if cost else ()
