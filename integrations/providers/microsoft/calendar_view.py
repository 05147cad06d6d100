"""Source: https://learn.microsoft.com/en-us/graph/api/event-list-instances"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

from integrations.formats import timezones
from integrations.formats.event_content import When
from integrations.providers import errors
from integrations.providers.provider_access import ProviderAccess

from . import event_times
from .event_reader import CANCELLED_PREFIX
from .event_times import MailboxOwner
from .graph_batch import send_in_batches
from .graph_http import GraphApiRequest, quote_segment, send_graph_read

PAGE_SIZE: Final = 500
MAX_PAGES: Final = 4
_TIME_FIELDS: Final = (
    "id,type,start,end,isAllDay,originalStart,originalStartTimeZone,originalEndTimeZone"
)
# The start of a day differs by zone.
_ONE_DAY: Final = timedelta(days=1)

TimeSpan = tuple[datetime, datetime]


def find_instance_id(
    access: ProviderAccess, series_id: str, original: When, owner: MailboxOwner
) -> str:
    """Return a made-up id if there is no occurrence at `original`."""
    [instance] = find_instance_ids(access, series_id, [original], owner)
    return instance


def find_instance_ids(
    access: ProviderAccess, series_id: str, originals: Sequence[When], owner: MailboxOwner
) -> list[str]:
    path = f"/me/events/{quote_segment(series_id)}/instances"
    moments = [_get_time(original_start, owner) for original_start in originals]
    requests = [
        GraphApiRequest(path, _build_query((at - _ONE_DAY, at + _ONE_DAY))) for at in moments
    ]
    answers = send_in_batches(requests, access)
    ids = []
    for original, at, answer in zip(originals, moments, answers, strict=True):
        if isinstance(answer, errors.ProviderError):
            raise answer
        matches = (
            resource
            for resource in _iterate_items(access, answer)
            if _is_original(resource, original, owner)
        )
        name = f"{CANCELLED_PREFIX}{series_id}.{original.day or at.date()}"
        ids.append(next((str(match["id"]) for match in matches), name))
    return ids


def _is_original(resource: Mapping[str, Any], original: When, owner: MailboxOwner) -> bool:
    start = event_times.read_original_start(resource, owner)
    return start.day == original.day and start.at == original.at


def _get_time(value: When, owner: MailboxOwner) -> datetime:
    if value.at is not None:
        return value.at
    if value.day is None:
        raise ValueError("neither a day nor a moment")
    return timezones.to_utc(datetime.combine(value.day, time()), timezones.get_zone(owner.zone))


def _build_query(window: TimeSpan) -> dict[str, str]:
    first, last = (
        at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") for at in window
    )
    return {
        "startDateTime": first,
        "endDateTime": last,
        "$select": _TIME_FIELDS,
        "$top": str(PAGE_SIZE),
    }


def _iterate_items(access: ProviderAccess, answer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for _ in range(MAX_PAGES):
        yield from answer.get("value") or ()
        link = answer.get("@odata.nextLink")
        if not link:
            return
        answer = send_graph_read(GraphApiRequest(str(link)), access)
    raise errors.Rejected("more than anybody looks at", reason="too-many")
