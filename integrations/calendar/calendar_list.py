"""Which calendars there are for somebody, and what they are called where that may be known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

from integrations.access import calendar_permits
from integrations.access.calendar_permits import Wanted
from integrations.access.request_context import Asked
from limited_use.policy.vocabulary import DataClass
from limited_use.sinks import calendar as sink
from limited_use.sinks.rows import Permits, Row

from . import agenda, event_json
from .calendar_access import Visible

_EVENT: Final = DataClass.CALENDAR_EVENT


def list_calendars(asked: Asked, *, envelope: Mapping[str, Any]) -> bytes:
    """
    Return the calendars as JSON, by name where their copy, and whoever shares it, lets it be known.

    :raises limited_use.guard.guard.Refused: if the policy does not allow it
    """
    found = agenda.everything(asked)
    rows, permits = named(asked, found)
    make = partial(_calendars, envelope=envelope, at=asked.at)
    return sink.calendar_json(rows, permits=permits, viewer=asked.actor, make=make, at=asked.at)


def named(asked: Asked, found: Sequence[Visible]) -> tuple[list[Row], Permits]:
    """Return a row for each calendar, and permits for the names that may be shown now."""
    known = [
        one
        for one in found
        if one.is_known(asked.at) and one.shows_details and one.calendar.about is not None
    ]
    wanted = [
        Wanted(one.calendar, (_EVENT,), share=one.share, count=1, names_only=True) for one in known
    ]
    permits = calendar_permits.to_view_apart(actor=asked.actor, wanted=wanted, at=asked.at)
    may = {
        one.calendar.id
        for one in known
        if calendar_permits.allows(permits, one.calendar, (_EVENT,))
    }
    rows = [
        Row(one, {"about": one.calendar.about} if one.calendar.id in may else {}) for one in found
    ]
    return rows, permits


def _calendars(opened: sink.Opened, *, envelope: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    data = [event_json.calendar(seen, values, at=at) for seen, values in opened]
    return {**envelope, "data": data, "next_cursor": None, "has_more": False}
