"""What is called by the same name at every try, so that a repetition makes no second one. Pure."""

from __future__ import annotations

import hashlib
from typing import Final
from uuid import UUID

from integrations.calendars import shapes
from integrations.calendars.single import EventId

from .targets import Which, when_of

# How often the same edit may be taken back, and tried again.
_TURNS: Final = 5


def name_of(user_id: UUID, calendar_id: UUID, key: str) -> str:
    """
    Return what an event is called that is written under a key: at a provider, and here.

    Of letters that Google takes (base32hex), and of all others nobody's.
    """
    named = f"{user_id}\0{calendar_id}\0{key}"
    return hashlib.sha256(named.encode()).hexdigest()[:40]


def of_following(which: Which, calendar_id: UUID, etag: str) -> tuple[str, ...]:
    """
    Return what the series may be called that an edit of one and all that follow begins.

    A name is used up where what had it was taken back: then the next try takes the next.
    """
    edit = f"{which.name.row} {which.name.original} {etag}"
    return tuple(
        name_of(which.asked.user_id, calendar_id, f"{edit} {turn}" if turn else edit)
        for turn in range(_TURNS)
    )


def as_asked_for(name: EventId) -> str:
    """Return an id as `single.event_id` reads it."""
    if name.original is None:
        return str(name.row)
    return f"{name.row}_{shapes.compact(when_of(name.original))}"
