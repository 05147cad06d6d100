"""
What a view shows: every occurrence by itself, and when somebody is busy.

Free and busy comes from here and not from getSchedule: that knows people and not calendars, and
private accounts do not have it.
https://learn.microsoft.com/en-us/graph/api/calendar-list-calendarview
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

from integrations import zones
from integrations.providers import errors
from integrations.providers.access import Access
from integrations.providers.calendars import Busy, When

from . import calendar_times as times
from .calendar_reading import CANCELLED
from .calendar_times import Owner
from .calls import Request, call, segment

PAGE: Final = 500
MAX_PAGES: Final = 4
_TIMES: Final = "id,type,start,end,isAllDay,originalStart,originalStartTimeZone,originalEndTimeZone"
_FREE: Final = frozenset({"free", "workingElsewhere"})
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


def busy(access: Access, calendar_id: str, window: Span, whose: Owner) -> Busy:
    """Return when a calendar is busy; what cannot be told, for whatever reason, is not free."""
    path = f"/me/calendars/{segment(calendar_id)}/calendarView"
    selected = f"{_TIMES},showAs,isCancelled,responseStatus"
    reached = (window[0] - _DAY, window[1] + _DAY)
    try:
        spans = [
            _span(one, whose) for one in _pages(access, path, reached, selected) if _counts(one)
        ]
    except (errors.TokenRejected, errors.RateLimited):
        raise
    except (errors.ProviderError, LookupError, ValueError, TypeError, zones.UnreadableTime):
        return Busy(None)
    return Busy(_merged(spans, window))


def _counts(resource: Mapping[str, Any]) -> bool:
    answer = (resource.get("responseStatus") or {}).get("response")
    is_off = resource.get("isCancelled") or answer == "declined"
    return not is_off and resource.get("showAs") not in _FREE


def _span(resource: Mapping[str, Any], whose: Owner) -> Span:
    start, end = (_moment(times.when(resource, name, whose), whose) for name in ("start", "end"))
    return start, end


def _moment(value: When, whose: Owner) -> datetime:
    if value.at is not None:
        return value.at
    if value.day is None:
        raise ValueError("neither a day nor a moment")
    return zones.at(datetime.combine(value.day, time()), zones.zone(whose.zone))


def _merged(spans: Iterable[Span], window: Span) -> tuple[Span, ...]:
    merged: list[Span] = []
    within = ((max(start, window[0]), min(end, window[1])) for start, end in spans)
    for start, end in sorted(span for span in within if span[0] < span[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)


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
