"""
An event taken from one calendar to another: Graph moves none, so it is written anew and deleted.

Only what comes out the same is taken. Whoever is invited would be told of another meeting, and
what was changed singly, is attached or has an address to meet at would be lost.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from integrations.providers import errors
from integrations.providers.calendars import RemoteEvent

from . import calendar_reading as reading
from .calendar_times import Owner


def movable(resource: Mapping[str, Any], whose: Owner) -> RemoteEvent:
    """
    Return what is to be written anew.

    :raises Rejected: if it would not be the same
    :raises Gone: if it was called off
    """
    whole = reading.series(resource, whose)
    found = whole.master
    is_more = bool(
        found.content.attendees
        or found.series_id
        or whole.changed
        or whole.cancelled
        or resource.get("hasAttachments")
        or resource.get("isOnlineMeeting")
        or not found.is_organizer
    )
    if is_more:
        raise errors.Rejected("it would not be the same there", reason="move")
    return found


def new_id(event: RemoteEvent, calendar_id: str) -> str:
    """Return under which id of ours it is written: the same for every try."""
    named = f"{event.event_id}\0{event.etag}\0{calendar_id}"
    return hashlib.sha256(named.encode()).hexdigest()[:40]
