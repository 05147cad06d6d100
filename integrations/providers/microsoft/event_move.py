"""
Moves an event or series to another calendar of the account.

Graph has no such move: the event is copied, the copy is checked, and the original is deleted.
Exchange notifies the guests of each step. A repetition finds the copy by its mark, skips finished
steps, and deletes copies of older versions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from integrations.formats.event_content import When
from integrations.providers import errors
from integrations.providers.calendars import Notify, RemoteEvent

from . import calendar_delta, calendar_view, event_copies, event_reader
from .calendar_delta import GraphAccount
from .event_copies import OriginalEvent
from .graph_http import GraphApiRequest, quote_segment, send_graph_read, send_graph_write

# Graph refuses to move an occurrence past another one, which may be about to move as well.
_CROSSING_ERROR: Final = "erroroccurrencecrossingboundary"


@dataclass(frozen=True, slots=True)
class MoveRequest:
    event_id: str
    calendar_id: str
    target_calendar_id: str
    etag: str
    notify: Notify


def move_event(account: GraphAccount, request: MoveRequest) -> RemoteEvent:
    """
    Return the copy.

    :raises ChangedMeanwhile: if the event changed; no copy remains
    :raises Rejected: if the copy would differ, or guests would be notified against `notify`
    """
    original = _read_original(account, request)
    if request.etag not in {"*", original.event.etag}:
        raise errors.ChangedMeanwhile("it is no longer as it was")
    event_copies.check_movable(original)
    if original.has_guests and request.notify == "none":
        raise errors.Rejected("the guests are told", reason="move-guests")
    copy = _write_copy(account, request, original)
    failure: errors.ProviderError | None = None
    try:
        _copy_exceptions(account, request, copy, original)
        _delete_original(account, request, original)
    except (errors.ChangedMeanwhile, errors.Rejected) as error:
        failure = error
    if failure is not None:
        _delete_event(account, request.target_calendar_id, str(copy["id"]))
        raise failure
    return _require_event(account, copy)


def find_event_copy(account: GraphAccount, calendar_id: str, event_id: str) -> RemoteEvent:
    """:raises Gone: if there is no copy"""
    copies = _find_copies(account, calendar_id, event_id)
    if not copies:
        raise errors.Gone("no such copy")
    return _require_event(account, copies[0])


def _read_original(account: GraphAccount, request: MoveRequest) -> OriginalEvent:
    resource = send_graph_read(
        GraphApiRequest(_event_path(request.calendar_id, request.event_id)), account.access
    )
    if resource.get("type") == "seriesMaster":
        resource |= _read_series(account, request.event_id)
    return event_copies.read_original(resource, account.owner)


def _read_series(account: GraphAccount, event_id: str) -> dict[str, Any]:
    """Omit the etag, which counts only in a full read."""
    series = send_graph_read(
        GraphApiRequest(f"/me/events/{quote_segment(event_id)}", calendar_delta.SERIES_QUERY),
        account.access,
    )
    series.pop("@odata.etag", None)
    return series


def _write_copy(
    account: GraphAccount, request: MoveRequest, original: OriginalEvent
) -> dict[str, Any]:
    """Return the copy, perhaps of an earlier attempt; delete other versions."""
    event_id = event_copies.build_copy_id(original, request.target_calendar_id)
    marked = _find_copies(account, request.target_calendar_id, request.event_id)
    for other in (resource for resource in marked if resource.get("transactionId") != event_id):
        _delete_event(account, request.target_calendar_id, str(other["id"]))
    existing = next(
        (resource for resource in marked if resource.get("transactionId") == event_id), None
    )
    if existing is not None:
        return existing
    body = event_copies.build_copy(original, request.target_calendar_id)
    try:
        return send_graph_write(
            GraphApiRequest(_events_path(request.target_calendar_id), method="POST", body=body),
            account.access,
        )
    except errors.AlreadyThere:
        pass
    raise errors.OutcomeUnknown("an earlier copy cannot be found yet")


def _copy_exceptions(
    account: GraphAccount, request: MoveRequest, copy: dict[str, Any], original: OriginalEvent
) -> None:
    if not original.changed and not original.cancelled:
        return
    copy_id = str(copy["id"])
    done = event_copies.read_original(copy | _read_series(account, copy_id), account.owner)
    ids = _find_instances(account, copy_id, original, done)
    for start in original.cancelled - done.cancelled:
        _delete_event(account, request.target_calendar_id, ids[start])
    remaining = {
        start: changed for start, changed in original.changed.items() if start not in done.changed
    }
    while remaining:
        refused = {}
        for start, resource in remaining.items():
            body = event_copies.build_occurrence_patch(resource, original, copy, account.owner)
            if not _try_to_change(account, request.target_calendar_id, ids[start], body):
                refused[start] = resource
        if len(refused) == len(remaining):
            raise errors.Rejected("its occurrences cross each other", reason="move-order")
        remaining = refused
    master = send_graph_read(
        GraphApiRequest(_event_path(request.target_calendar_id, copy_id)), account.access
    )
    if not event_copies.has_exceptions(
        master | _read_series(account, copy_id), original, account.owner
    ):
        raise errors.Rejected("the copy is not complete", reason="move-incomplete")


def _delete_original(account: GraphAccount, request: MoveRequest, original: OriginalEvent) -> None:
    # The etag of a series does not cover its occurrences.
    if _read_original(account, request).version != original.version:
        raise errors.ChangedMeanwhile("it changed while it was copied")
    _delete_event(account, request.calendar_id, request.event_id, etag=original.event.etag)


def _find_instances(
    account: GraphAccount, copy_id: str, original: OriginalEvent, done: OriginalEvent
) -> Mapping[date, str]:
    """Return the occurrences that are still to be changed or cancelled."""
    starts = [*(original.cancelled - done.cancelled), *(original.changed.keys() - done.changed)]
    originals = [_build_when(start) for start in starts]
    instance_ids = calendar_view.find_instance_ids(
        account.access, copy_id, originals, account.owner
    )
    if any(instance_id.startswith(event_reader.CANCELLED_PREFIX) for instance_id in instance_ids):
        raise errors.Rejected("an occurrence is not there to be changed", reason="move-incomplete")
    return dict(zip(starts, instance_ids, strict=True))


def _try_to_change(account: GraphAccount, calendar_id: str, event_id: str, body: Any) -> bool:
    """Return False if another occurrence blocks the change."""
    request = GraphApiRequest(_event_path(calendar_id, event_id), method="PATCH", body=body)
    reason = ""
    try:
        send_graph_write(request, account.access)
    except errors.Rejected as error:
        reason = error.reason
    if reason and reason != _CROSSING_ERROR:
        raise errors.Rejected("an occurrence is refused", reason=reason)
    return not reason


def _find_copies(account: GraphAccount, calendar_id: str, event_id: str) -> list[dict[str, Any]]:
    mark = event_copies.build_copy_mark(event_id, calendar_id)
    filter_text = (
        f"singleValueExtendedProperties/Any(ep: ep/id eq '{event_copies.MOVED_FROM_PROPERTY}'"
        f" and ep/value eq '{mark}')"
    )
    answer = send_graph_read(
        GraphApiRequest(_events_path(calendar_id), {"$filter": filter_text}), account.access
    )
    return list(answer.get("value") or ())


def _delete_event(
    account: GraphAccount, calendar_id: str, event_id: str, *, etag: str = ""
) -> None:
    request = GraphApiRequest(_event_path(calendar_id, event_id), method="DELETE", if_match=etag)
    try:
        send_graph_write(request, account.access)
    except errors.Gone:
        # An earlier attempt succeeded, or the event was deleted elsewhere.
        return


def _require_event(account: GraphAccount, resource: Mapping[str, Any]) -> RemoteEvent:
    event = event_reader.map_event(resource, account.owner)
    if not isinstance(event, RemoteEvent):
        raise errors.Gone("the copy was called off")
    return event


def _build_when(start: date) -> When:
    return When(at=start, zone="UTC") if isinstance(start, datetime) else When(day=start)


def _events_path(calendar_id: str) -> str:
    return f"/me/calendars/{quote_segment(calendar_id)}/events"


def _event_path(calendar_id: str, event_id: str) -> str:
    return f"{_events_path(calendar_id)}/{quote_segment(event_id)}"
