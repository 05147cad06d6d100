"""
The occurrences of a series by themselves, within a window.

https://learn.microsoft.com/en-us/graph/api/event-list-instances
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

from integrations import zones
from integrations.providers import errors
from integrations.providers.access import Access
from integrations.providers.calendars import When

from . import calendar_times as times
from .calendar_reading import CANCELLED
from .calendar_times import Owner
from .calls import Request, call, segment

PAGE: Final = 500
MAX_PAGES: Final = 4
_TIMES: Final = "id,type,start,end,isAllDay,originalStart,originalStartTimeZone,originalEndTimeZone"
# A day begins at another moment in every zone.
_DAY: Final = timedelta(days=1)

Span = tuple[datetime, datetime]


def instance_id(access: Access, series_id: str, original: When, whose: Owner) -> str:
    """Return the id of the occurrence that was to be then; where there is none, a name for it."""
    at = _moment(original, whose)
    path = f"/me/events/{segment(series_id)}/instances"
    for one in _pages(access, path, (at - _DAY, at + _DAY), _TIMES):
        there = times.original_start(one, whose)
        if there.day == original.day and there.at == original.at:
            return str(one["id"])
    return f"{CANCELLED}{series_id}.{original.day or at.date()}"


def _moment(value: When, whose: Owner) -> datetime:
    if value.at is not None:
        return value.at
    if value.day is None:
        raise ValueError("neither a day nor a moment")
    return zones.at(datetime.combine(value.day, time()), zones.zone(whose.zone))


def _pages(access: Access, path: str, window: Span, selected: str) -> list[dict[str, Any]]:
    first, last = (
        at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") for at in window
    )
    query = {"startDateTime": first, "endDateTime": last, "$select": selected, "$top": str(PAGE)}
    found: list[dict[str, Any]] = []
    request = Request(path, query)
    for _ in range(MAX_PAGES):
        answer = call(request, access)
        found += answer.get("value") or ()
        link = answer.get("@odata.nextLink")
        if not link:
            return found
        request = Request(str(link))
    raise errors.Rejected("more than anybody looks at", reason="too-many")
