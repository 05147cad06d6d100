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


class Cost(StrEnum):
    """What a request may keep its thread for."""

    #: It asks a provider, or waits for a worker that asks it.
    WAIT = "wait"
    #: Its answer is made while it is read.
    STREAM = "stream"
    #: Both, one after the other.
    WAIT_AND_STREAM = "wait_and_stream"


COSTLY_ROUTES: Final[Mapping[str, Cost]] = {
    # Mail.
    "inbox-search": Cost.WAIT,
    "inbox-elsewhere": Cost.WAIT,
    "inbox-elsewhere-body": Cost.WAIT,
    # Of a text with pictures.
    "inbox-body": Cost.WAIT,
    "inbox-elsewhere-file": Cost.WAIT_AND_STREAM,
    "inbox-attachment": Cost.WAIT_AND_STREAM,
    "api-attachment": Cost.WAIT_AND_STREAM,
    "settings-export": Cost.STREAM,
    # Calendars: copies that are too old, and what is written at a provider.
    "calendar-event": Cost.WAIT,
    "calendar-event-description": Cost.WAIT,
    "calendar-answer": Cost.WAIT,
    "calendar-edit": Cost.WAIT,
    "calendar-delete": Cost.WAIT,
    "calendar-move": Cost.WAIT,
    "calendar-new": Cost.WAIT,
    "calendar-find": Cost.WAIT,
    "api-events": Cost.WAIT,
    "api-event": Cost.WAIT,
    "api-event-response": Cost.WAIT,
    "api-event-move": Cost.WAIT,
    "api-free-busy": Cost.WAIT,
    "api-availability": Cost.WAIT,
    "settings-local-calendar-file": Cost.STREAM,
    "api-calendar-export": Cost.STREAM,
    # Connecting, and the person's record.
    "connect-callback": Cost.WAIT,
    "settings-uses-csv": Cost.STREAM,
    "settings-uses-json": Cost.STREAM,
}

_RATES: Final[Mapping[Cost, tuple[Rate, ...]]] = {
    Cost.WAIT: (PROVIDER,),
    Cost.STREAM: (DOWNLOAD,),
    Cost.WAIT_AND_STREAM: (PROVIDER, DOWNLOAD),
}


def find_rates(name: str | None) -> tuple[Rate, ...]:
    """Return what a request for the route of this name counts towards, besides its class."""
    cost = COSTLY_ROUTES.get(name or "")
    return _RATES[cost] if cost else ()
