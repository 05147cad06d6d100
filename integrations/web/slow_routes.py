"""
Routes that occupy a thread while a provider or the client is slow.

Requests are limited at a time (`person_slots`) and per minute (`find_rates`). A test fails for an
unlisted view that waits or streams.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from accounts.rate_limit_counters import Rate

#: Requests of one person to all routes of a kind. Each takes at least a fraction of a second.
PROVIDER: Final = Rate("provider", 240, 60)
DOWNLOAD: Final = Rate("download", 60, 60)
UPLOAD: Final = Rate("upload", 240, 60)


class RouteCost(StrEnum):
    #: The request calls a provider, or waits for a worker that does.
    WAIT = "wait"
    #: The response is produced while the client reads.
    STREAM = "stream"
    #: The request is stored while the client sends.
    RECEIVE = "receive"
    #: Both `WAIT` and `STREAM`, in turn.
    WAIT_AND_STREAM = "wait_and_stream"
    #: Both `WAIT` and `RECEIVE`.
    WAIT_AND_RECEIVE = "wait_and_receive"


COSTLY_ROUTES: Final[Mapping[str, RouteCost]] = {
    # Mail.
    "inbox-search": RouteCost.WAIT,
    # Asks for the account's addresses.
    "inbox-compose-senders": RouteCost.WAIT,
    "inbox-elsewhere": RouteCost.WAIT,
    "inbox-elsewhere-body": RouteCost.WAIT,
    # Fetches inline images.
    "inbox-body": RouteCost.WAIT,
    "inbox-elsewhere-file": RouteCost.WAIT_AND_STREAM,
    "inbox-attachment": RouteCost.WAIT_AND_STREAM,
    "api-attachment": RouteCost.WAIT_AND_STREAM,
    "settings-export": RouteCost.STREAM,
    # Files to send.
    "upload": RouteCost.RECEIVE,
    # Files in a Drive.
    "api-file": RouteCost.WAIT_AND_RECEIVE,
    "drive-file-trash": RouteCost.WAIT,
    "drive-files-csv": RouteCost.STREAM,
    "drive-standing-consent-new": RouteCost.WAIT,
    "drive-folder": RouteCost.WAIT,
    "drive-folder-return": RouteCost.WAIT,
    # Calendars: expired caches, and writes at a provider.
    "calendar-event": RouteCost.WAIT,
    "calendar-event-description": RouteCost.WAIT,
    "calendar-answer": RouteCost.WAIT,
    "calendar-edit": RouteCost.WAIT,
    "calendar-delete": RouteCost.WAIT,
    "calendar-move": RouteCost.WAIT,
    "calendar-new": RouteCost.WAIT,
    "calendar-find": RouteCost.WAIT,
    "calendar-support": RouteCost.WAIT,
    "settings-support-answer-event": RouteCost.WAIT,
    "api-events": RouteCost.WAIT,
    "api-event": RouteCost.WAIT,
    "api-event-response": RouteCost.WAIT,
    "api-event-move": RouteCost.WAIT,
    "api-free-busy": RouteCost.WAIT,
    "api-availability": RouteCost.WAIT,
    "settings-local-calendar-file": RouteCost.STREAM,
    "api-calendar-export": RouteCost.STREAM,
    # Connecting, and the person's activity.
    "connect-callback": RouteCost.WAIT,
    "settings-activity-csv": RouteCost.STREAM,
    "settings-activity-json": RouteCost.STREAM,
}

_RATES: Final[Mapping[RouteCost, tuple[Rate, ...]]] = {
    RouteCost.WAIT: (PROVIDER,),
    RouteCost.STREAM: (DOWNLOAD,),
    RouteCost.RECEIVE: (UPLOAD,),
    RouteCost.WAIT_AND_STREAM: (PROVIDER, DOWNLOAD),
    RouteCost.WAIT_AND_RECEIVE: (PROVIDER, UPLOAD),
}


def find_rates(name: str | None) -> tuple[Rate, ...]:
    """Return the rates that a request counts towards in addition to that of its class."""
    cost = COSTLY_ROUTES.get(name or "")
    return _RATES[cost] if cost else ()
