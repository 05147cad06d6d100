"""
An event or a series moved to another calendar of the account.

Graph moves no event between calendars, so the event is copied with every changed and cancelled
occurrence, the copy is checked, and only then the original is deleted. Exchange tells the guests of
each of these steps: they get a cancellation and a new invitation.

A move that ended in the middle is taken up by the next one: the copy is found by its mark, what is
done already is not done again, and a copy of what the event no longer is is deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from integrations.formats.event import When
from integrations.providers import errors
from integrations.providers.calendars import Notify, RemoteEvent

from . import calendar_delta as rounds
from . import calendar_view as views
from . import event_copies as copies
from . import event_reader as reading
from .calendar_delta import Mailbox
from .event_copies import Original
from .http import Request, call, segment, write

# Graph refuses to move an occurrence past another one, which may itself be about to move.
_CROSSES: Final = "erroroccurrencecrossingboundary"


@dataclass(frozen=True, slots=True)
class Move:
    """What is moved: an event by its id, from one calendar to another, if it is as `etag` says."""

    event_id: str
    calendar_id: str
    to: str
    etag: str
    notify: Notify


def move(mailbox: Mailbox, wanted: Move) -> RemoteEvent:
    """
    Move an event, and return the copy.

    :raises ChangedMeanwhile: if it is not as it was; then it is where it was, and nowhere else
    :raises Rejected: if a copy would not be the same, or guests would be told who are not to be
    """
    original = _read_original(mailbox, wanted)
    if wanted.etag not in {"*", original.event.etag}:
        raise errors.ChangedMeanwhile("it is no longer as it was")
    copies.check_movable(original)
    if original.has_guests and wanted.notify == "none":
        raise errors.Rejected("the guests are told", reason="move-guests")
    copy = _write_copy(mailbox, wanted, original)
    refused: errors.ProviderError | None = None
    try:
        _copy_exceptions(mailbox, wanted, copy, original)
        _delete_original(mailbox, wanted, original)
    except (errors.ChangedMeanwhile, errors.Rejected) as error:
        refused = error
    if refused is not None:
        _delete(mailbox, wanted.to, str(copy["id"]))
        raise refused
    return _as_event(mailbox, copy)


def find_copy(mailbox: Mailbox, calendar_id: str, event_id: str) -> RemoteEvent:
    """
    Return the copy that an earlier move of an event made in a calendar.

    :raises Gone: if there is none
    """
    found = _marked(mailbox, calendar_id, event_id)
    if not found:
        raise errors.Gone("no such copy")
    return _as_event(mailbox, found[0])


def _read_original(mailbox: Mailbox, wanted: Move) -> Original:
    resource = call(Request(_event(wanted.calendar_id, wanted.event_id)), mailbox.access)
    if resource.get("type") == "seriesMaster":
        resource |= _read_series(mailbox, wanted.event_id)
    return copies.read_original(resource, mailbox.owner)


def _read_series(mailbox: Mailbox, event_id: str) -> dict[str, Any]:
    """Return a series with its exceptions; its etag counts only where it was read in full."""
    found = call(Request(f"/me/events/{segment(event_id)}", rounds.SERIES), mailbox.access)
    found.pop("@odata.etag", None)
    return found


def _write_copy(mailbox: Mailbox, wanted: Move, original: Original) -> dict[str, Any]:
    """Return the copy, which an earlier try may have written; others are deleted."""
    event_id = copies.copy_id(original, wanted.to)
    found = _marked(mailbox, wanted.to, wanted.event_id)
    for other in (one for one in found if one.get("transactionId") != event_id):
        _delete(mailbox, wanted.to, str(other["id"]))
    held = next((one for one in found if one.get("transactionId") == event_id), None)
    if held is not None:
        return held
    body = copies.new(original, wanted.to)
    try:
        return write(Request(_events(wanted.to), method="POST", body=body), mailbox.access)
    except errors.AlreadyThere:
        pass
    raise errors.OutcomeUnknown("an earlier copy cannot be found yet")


def _copy_exceptions(
    mailbox: Mailbox, wanted: Move, copy: dict[str, Any], original: Original
) -> None:
    """
    Change and cancel those occurrences of a copy that are so in its original.

    :raises Rejected: if Graph does not take one of them
    """
    if not original.changed and not original.cancelled:
        return
    copy_id = str(copy["id"])
    done = copies.read_original(copy | _read_series(mailbox, copy_id), mailbox.owner)
    ids = _find_instances(mailbox, copy_id, original, done)
    for start in original.cancelled - done.cancelled:
        _delete(mailbox, wanted.to, ids[start])
    left = {start: one for start, one in original.changed.items() if start not in done.changed}
    while left:
        refused = {}
        for start, resource in left.items():
            body = copies.differences(resource, original, copy, mailbox.owner)
            if not _is_changed(mailbox, wanted.to, ids[start], body):
                refused[start] = resource
        if len(refused) == len(left):
            raise errors.Rejected("its occurrences cross each other", reason="move-order")
        left = refused
    there = call(Request(_event(wanted.to, copy_id)), mailbox.access)
    if not copies.has_exceptions(there | _read_series(mailbox, copy_id), original, mailbox.owner):
        raise errors.Rejected("the copy is not complete", reason="move-incomplete")


def _delete_original(mailbox: Mailbox, wanted: Move, original: Original) -> None:
    """:raises ChangedMeanwhile: if it is no longer as it was copied"""
    # The etag of a series says nothing of its occurrences.
    if _read_original(mailbox, wanted).version != original.version:
        raise errors.ChangedMeanwhile("it changed while it was copied")
    _delete(mailbox, wanted.calendar_id, wanted.event_id, etag=original.event.etag)


def _find_instances(
    mailbox: Mailbox, copy_id: str, original: Original, done: Original
) -> Mapping[date, str]:
    """
    Return the ids of the occurrences of a copy that are still to be changed or cancelled.

    :raises Rejected: if the copy has no such occurrence
    """
    starts = [*(original.cancelled - done.cancelled), *(original.changed.keys() - done.changed)]
    wanted = [_when(one) for one in starts]
    found = views.instance_ids(mailbox.access, copy_id, wanted, mailbox.owner)
    if any(one.startswith(reading.CANCELLED) for one in found):
        raise errors.Rejected("an occurrence is not there to be changed", reason="move-incomplete")
    return dict(zip(starts, found, strict=True))


def _is_changed(mailbox: Mailbox, calendar_id: str, event_id: str, body: Any) -> bool:
    """Change an occurrence; return False if another one is in its way."""
    request = Request(_event(calendar_id, event_id), method="PATCH", body=body)
    reason = ""
    try:
        write(request, mailbox.access)
    except errors.Rejected as error:
        reason = error.reason
    if reason and reason != _CROSSES:
        raise errors.Rejected("an occurrence is refused", reason=reason)
    return not reason


def _marked(mailbox: Mailbox, calendar_id: str, event_id: str) -> list[dict[str, Any]]:
    mark = copies.copy_mark(event_id, calendar_id)
    filtered = (
        f"singleValueExtendedProperties/Any(ep: ep/id eq '{copies.MOVED_FROM}'"
        f" and ep/value eq '{mark}')"
    )
    answer = call(Request(_events(calendar_id), {"$filter": filtered}), mailbox.access)
    return list(answer.get("value") or ())


def _delete(mailbox: Mailbox, calendar_id: str, event_id: str, *, etag: str = "") -> None:
    request = Request(_event(calendar_id, event_id), method="DELETE", if_match=etag)
    try:
        write(request, mailbox.access)
    except errors.Gone:
        # An earlier try came through, or somebody else was faster.
        return


def _as_event(mailbox: Mailbox, resource: Mapping[str, Any]) -> RemoteEvent:
    found = reading.event(resource, mailbox.owner)
    if not isinstance(found, RemoteEvent):
        raise errors.Gone("the copy was called off")
    return found


def _when(start: date) -> When:
    return When(at=start, zone="UTC") if isinstance(start, datetime) else When(day=start)


def _events(calendar_id: str) -> str:
    return f"/me/calendars/{segment(calendar_id)}/events"


def _event(calendar_id: str, event_id: str) -> str:
    return f"{_events(calendar_id)}/{segment(event_id)}"
