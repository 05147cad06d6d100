"""
The occurrences of a series by themselves, within a window.

https://learn.microsoft.com/en-us/graph/api/event-list-instances
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

from integrations.formats import timezones
from integrations.formats.event import When
from integrations.providers import errors
from integrations.providers.access import Access

from . import event_times as times
from .batch import call_in_batches
from .event_reader import CANCELLED
from .event_times import Owner
from .http import Request, call, segment

PAGE: Final = 500
MAX_PAGES: Final = 4
_TIMES: Final = "id,type,start,end,isAllDay,originalStart,originalStartTimeZone,originalEndTimeZone"
# A day begins at another moment in every zone.
_DAY: Final = timedelta(days=1)

Span = tuple[datetime, datetime]


def instance_id(access: Access, series_id: str, original: When, whose: Owner) -> str:
    """Return the id of the occurrence that was to be then; where there is none, a name for it."""
    [found] = instance_ids(access, series_id, [original], whose)
    return found


def instance_ids(
    access: Access, series_id: str, originals: Sequence[When], whose: Owner
) -> list[str]:
    """Return the id of each occurrence, as `instance_id` does, with all requests at once."""
    path = f"/me/events/{segment(series_id)}/instances"
    moments = [_moment(one, whose) for one in originals]
    requests = [Request(path, _query((at - _DAY, at + _DAY))) for at in moments]
    answers = call_in_batches(requests, access)
    found = []
    for original, at, answer in zip(originals, moments, answers, strict=True):
        if isinstance(answer, errors.ProviderError):
            raise answer
        there = (one for one in _all_pages(access, answer) if _is_of(one, original, whose))
        name = f"{CANCELLED}{series_id}.{original.day or at.date()}"
        found.append(next((str(one["id"]) for one in there), name))
    return found


def _is_of(resource: Mapping[str, Any], original: When, whose: Owner) -> bool:
    there = times.original_start(resource, whose)
    return there.day == original.day and there.at == original.at


def _moment(value: When, whose: Owner) -> datetime:
    if value.at is not None:
        return value.at
    if value.day is None:
        raise ValueError("neither a day nor a moment")
    return timezones.at(datetime.combine(value.day, time()), timezones.zone(whose.zone))


def _query(window: Span) -> dict[str, str]:
    first, last = (
        at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") for at in window
    )
    return {"startDateTime": first, "endDateTime": last, "$select": _TIMES, "$top": str(PAGE)}


def _all_pages(access: Access, answer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what a first page and those that follow it hold."""
    for _ in range(MAX_PAGES):
        yield from answer.get("value") or ()
        link = answer.get("@odata.nextLink")
        if not link:
            return
        answer = call(Request(str(link)), access)
    raise errors.Rejected("more than anybody looks at", reason="too-many")
