"""
Rounds of calendarView/delta: all events of a window first, then its changes.

Graph's link fixes the window. Occurrences arrive as skeletons. Exceptions are read from the
series, because the view omits cancelled occurrences and those moved out of the window. `@removed`
means deleted, moved or hidden, so each such id is looked up. A deleted occurrence does not name
its series: then every series is read again. Source:
https://learn.microsoft.com/en-us/graph/delta-query-events
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from integrations.providers import errors, storable_values
from integrations.providers.calendars import CancelledInstance, RemoteEvent, RemoteEventPage
from integrations.providers.mail import get_item_name
from integrations.providers.provider_access import ProviderAccess

from . import event_reader
from .event_times import MailboxOwner
from .graph_batch import send_in_batches
from .graph_http import GraphApiRequest, GraphOutcome, quote_segment, send_graph_read

# Each event of a page may need a read of its own: five batches.
PAGE_SIZE: Final = 100
SERIES_QUERY: Final = {
    "$select": "id,type,seriesMasterId,iCalUId,subject,body,location,start,end,isAllDay,recurrence,"
    "attendees,organizer,isOrganizer,isCancelled,responseStatus,showAs,sensitivity,isReminderOn,"
    "reminderMinutesBeforeStart,originalStart,originalStartTimeZone,originalEndTimeZone,"
    "isOnlineMeeting,onlineMeeting,onlineMeetingUrl,lastModifiedDateTime,"
    "cancelledOccurrences,exceptionOccurrences",
    "$expand": "exceptionOccurrences",
}


class GraphAccount(Protocol):
    @property
    def access(self) -> ProviderAccess: ...

    @property
    def owner(self) -> MailboxOwner: ...


@dataclass(frozen=True, slots=True)
class CalendarDeltaCursor:
    """
    The position in a round, as JSON.

    `series` are in the window; `pending_series` are read at the end of the round. `is_first`: the
    first round over the window.
    """

    link: str
    is_first: bool = False
    series: tuple[str, ...] = ()
    pending_series: tuple[str, ...] = ()
    is_finished: bool = False

    def to_json(self) -> str:
        return json.dumps(
            [self.link, self.is_first, self.series, self.pending_series, self.is_finished]
        )

    @classmethod
    def from_json(cls, text: str) -> CalendarDeltaCursor:
        """:raises CursorExpired: if `text` is malformed"""
        try:
            link, is_first, series, pending_series, is_finished = json.loads(text)
            return cls(
                str(link), bool(is_first), tuple(series), tuple(pending_series), bool(is_finished)
            )
        except (ValueError, TypeError):
            pass
        raise errors.CursorExpired("it is no place in a calendar's changes")


@dataclass(slots=True)
class _DeltaResult:
    events: list[RemoteEvent] = field(default_factory=list)
    cancelled: list[CancelledInstance] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    rejected: dict[str, str] = field(default_factory=dict)
    # An unknown event is gone: perhaps an occurrence of a known series.
    is_unclear: bool = False


def build_first_request(calendar_id: str, window: tuple[datetime, datetime]) -> GraphApiRequest:
    query = {"startDateTime": _format_time(window[0]), "endDateTime": _format_time(window[1])}
    path = f"/me/calendars/{quote_segment(calendar_id)}/calendarView/delta"
    return GraphApiRequest(path, query, prefer=(f"odata.maxpagesize={PAGE_SIZE}",))


def fetch_first_page(account: GraphAccount, request: GraphApiRequest) -> RemoteEventPage:
    return _read_page(
        account, send_graph_read(request, account.access), CalendarDeltaCursor("", is_first=True)
    )


def fetch_next_page(account: GraphAccount, cursor: CalendarDeltaCursor) -> RemoteEventPage:
    if cursor.is_finished:
        return _read_pending_series(account, cursor)
    request = GraphApiRequest(cursor.link, prefer=(f"odata.maxpagesize={PAGE_SIZE}",))
    return _read_page(
        account, send_graph_read(request, account.access, not_found=errors.CursorExpired), cursor
    )


def _read_page(
    account: GraphAccount, answer: dict[str, Any], cursor: CalendarDeltaCursor
) -> RemoteEventPage:
    result = _DeltaResult()
    items = _reject_unnamed(answer.get("value") or [], result)
    removed = [str(item["id"]) for item in items if "@removed" in item]
    resources = [item for item in items if "@removed" not in item]
    resources += _look_up_removed(account, removed, cursor, result)
    series = set(cursor.series) - set(result.deleted)
    masters = _list_masters(resources, series)
    # A tuple, not a set: the type in a response may be unhashable.
    kinds = ("occurrence", "seriesMaster")
    for resource in _complete_events(
        account, [item for item in resources if item.get("type") not in kinds]
    ):
        _add_event(account, resource, result)
    if not cursor.is_first:
        # The occurrence follows from its series now; it may have been an exception before.
        result.deleted += [
            str(item["id"]) for item in resources if item.get("type") == "occurrence"
        ]
    series = (series - set(masters)) | _read_series_into(account, masters, result)
    pending_series = tuple(sorted(series)) if result.is_unclear else cursor.pending_series
    link, is_finished = _read_link(answer)
    next_cursor = replace(
        cursor,
        link=link,
        series=tuple(sorted(series)),
        pending_series=pending_series,
        is_finished=is_finished,
    )
    return _build_page(next_cursor, result)


def _reject_unnamed(items: Sequence[Any], result: _DeltaResult) -> list[dict[str, Any]]:
    named: list[dict[str, Any]] = []
    for position, item in enumerate(items):
        name = get_item_name(item, position)
        if isinstance(item, dict) and item.get("id") == name:
            named.append(item)
        else:
            result.rejected[name] = "unreadable"
    return named


def _read_link(answer: dict[str, Any]) -> tuple[str, bool]:
    if link := storable_values.check_token(answer.get("@odata.nextLink")):
        return link, False
    if link := storable_values.check_token(answer.get("@odata.deltaLink")):
        return link, True
    raise errors.Unexpected("a page without a link")


def _build_page(cursor: CalendarDeltaCursor, result: _DeltaResult) -> RemoteEventPage:
    is_last = cursor.is_finished and not cursor.pending_series
    # After the end of a round, the window has been seen.
    next_cursor = replace(cursor, is_first=False, is_finished=False) if is_last else cursor
    return RemoteEventPage(
        events=tuple(result.events),
        cancelled=tuple(result.cancelled),
        deleted=tuple(result.deleted),
        rejected=result.rejected,
        next_page=None if is_last else next_cursor.to_json(),
        cursor=next_cursor.to_json() if is_last else None,
    )


def _list_masters(resources: Sequence[dict[str, Any]], known: Iterable[str]) -> list[str]:
    on_page = [
        str(resource["id"]) for resource in resources if resource.get("type") == "seriesMaster"
    ]
    referenced = [
        str(resource["seriesMasterId"]) for resource in resources if resource.get("seriesMasterId")
    ]
    return list(
        dict.fromkeys(
            [*on_page, *(series_id for series_id in referenced if series_id not in known)]
        )
    )


def _look_up_removed(
    account: GraphAccount, removed: Sequence[str], cursor: CalendarDeltaCursor, result: _DeltaResult
) -> list[dict[str, Any]]:
    """Removed events may still exist, outside the window."""
    resources: list[dict[str, Any]] = []
    for event_id, answer in _fetch_events(account, removed, {}):
        if isinstance(answer, errors.Gone):
            result.deleted.append(event_id)
            result.is_unclear |= bool(cursor.series) and event_id not in cursor.series
        elif isinstance(answer, errors.ProviderError):
            raise answer
        else:
            resources.append(answer)
    return resources


def _read_series_into(
    account: GraphAccount, series: Sequence[str], result: _DeltaResult
) -> set[str]:
    """Return the ids of existing series."""
    existing: set[str] = set()
    for series_id, answer in _fetch_events(account, series, SERIES_QUERY):
        try:
            if isinstance(answer, errors.ProviderError):
                raise answer
            remote_series = event_reader.map_series(answer, account.owner)
        except errors.Gone:
            result.deleted.append(series_id)
            continue
        except errors.Rejected as error:
            result.rejected[series_id] = error.reason
            continue
        existing.add(series_id)
        result.events += [remote_series.master, *remote_series.changed]
        result.cancelled += remote_series.cancelled
    return existing


def _read_pending_series(account: GraphAccount, cursor: CalendarDeltaCursor) -> RemoteEventPage:
    result = _DeltaResult()
    batch, later = cursor.pending_series[:PAGE_SIZE], cursor.pending_series[PAGE_SIZE:]
    existing = _read_series_into(account, batch, result)
    series = (set(cursor.series) - set(batch)) | existing
    return _build_page(replace(cursor, series=tuple(sorted(series)), pending_series=later), result)


def _fetch_events(
    account: GraphAccount, ids: Sequence[str], query: dict[str, str]
) -> list[tuple[str, GraphOutcome]]:
    requests = [GraphApiRequest(f"/me/events/{quote_segment(event_id)}", query) for event_id in ids]
    return list(zip(ids, send_in_batches(requests, account.access), strict=True))


def _complete_events(
    account: GraphAccount, resources: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    incomplete_ids = [str(resource["id"]) for resource in resources if "subject" not in resource]
    answers = dict(_fetch_events(account, incomplete_ids, {}))
    return [_choose_resource(resource, answers.get(str(resource["id"]))) for resource in resources]


def _choose_resource(resource: dict[str, Any], answer: GraphOutcome | None) -> dict[str, Any]:
    # The next round reports a deleted event.
    if answer is None or isinstance(answer, errors.Gone):
        return resource
    if isinstance(answer, errors.ProviderError):
        raise answer
    return answer


def _add_event(account: GraphAccount, resource: dict[str, Any], result: _DeltaResult) -> None:
    event_id = str(resource["id"])
    try:
        event = event_reader.map_event(resource, account.owner)
    except errors.Rejected as error:
        result.rejected[event_id] = error.reason
        return
    if event is None:
        result.deleted.append(event_id)
    elif isinstance(event, CancelledInstance):
        result.cancelled.append(event)
    else:
        result.events.append(event)


def _format_time(at: datetime) -> str:
    # Without an offset the time is UTC. With one, Graph ignores the preferred zone.
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds")
