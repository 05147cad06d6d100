"""
Writes at a provider whose outcome is verified.

If the provider does not answer, or its answer leaves the outcome open, the event is fetched. A
write is sent a second time only if the fetched event shows that the first one did not happen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from integrations.calendar import etags
from integrations.formats.event import EventContent, Response
from integrations.grants.provider_calls import CalendarCall
from integrations.providers import errors
from integrations.providers.calendars import CalendarAdapter, CancelledInstance, Notify, RemoteEvent

from .errors import GuestsAreTold, KeyReused, NotOrganizer, ReadOnly, RefusedThere
from .validation import WHY_NOT_MOVED, BadDraft

T = TypeVar("T")

Found = RemoteEvent | CancelledInstance | None
# https://developers.google.com/workspace/calendar/api/guides/errors
_NOT_ORGANIZER: Final = "forbiddenForNonOrganizer"
_ACCESS_LEVEL: Final = "requiredAccessLevel"
# A reason of our adapters: see `CalendarAdapter.move`.
_GUESTS: Final = "move-guests"


def fetch_current(call: CalendarCall, calendar_id: str, event_id: str) -> Found:
    """Return the event as the provider has it now; None if it has none of that id."""
    try:
        return call(lambda adapter: adapter.event(calendar_id, event_id))
    except errors.Gone:
        return None


def create(  # noqa: PLR0913 - one write in full
    call: CalendarCall,
    calendar_id: str,
    content: EventContent,
    *,
    event_id: str,
    notify: Notify,
    meets_as: str = "",
) -> RemoteEvent:
    """
    Create an event under an id of ours; return the event if an earlier try created it.

    :param meets_as: see `CalendarAdapter.create`
    :raises KeyReused: if another event has the id
    :raises errors.Gone: if an earlier try created the event, and it was deleted since
    :raises errors.OutcomeUnknown: if the outcome cannot be verified
    """

    def write(adapter: CalendarAdapter) -> RemoteEvent:
        return adapter.create(
            calendar_id, content, event_id=event_id, notify=notify, meets_as=meets_as
        )

    try:
        return _send(call, write)
    except errors.AlreadyThere:
        pass
    except errors.OutcomeUnknown:
        found = fetch_current(call, calendar_id, event_id)
        if found is None:
            # The same id: if the first try succeeds late, this one gets `AlreadyThere`.
            try:
                return _send(call, write)
            except errors.AlreadyThere:
                pass
    created = find_created(call, calendar_id, content, event_id=event_id)
    if created is None:
        raise errors.Gone("it was deleted since")
    return created


def find_created(
    call: CalendarCall, calendar_id: str, content: EventContent, *, event_id: str
) -> RemoteEvent | None:
    """
    Return the event that an earlier try created under an id of ours; None if there is none.

    :raises KeyReused: if another event has the id
    :raises errors.ProviderError: if the provider cannot tell
    """
    created = fetch_current(call, calendar_id, event_id)
    if not isinstance(created, RemoteEvent):
        return None
    if not is_same(created.content, content):
        raise KeyReused
    return created


def change(
    call: CalendarCall,
    calendar_id: str,
    before: RemoteEvent,
    content: EventContent,
    *,
    notify: Notify,
) -> RemoteEvent:
    """
    Write the fields that differ, if the event is still as it was fetched.

    :raises errors.ChangedMeanwhile: if it is not
    :raises errors.Gone: if the event was deleted
    :raises errors.OutcomeUnknown: if the outcome cannot be verified
    """
    if not differs(before.content, content):
        return before

    def write(adapter: CalendarAdapter) -> RemoteEvent:
        return adapter.change(
            calendar_id,
            before.event_id,
            content,
            etag=before.etag,
            notify=notify,
            before=before.content,
        )

    try:
        return _send(call, write)
    except errors.OutcomeUnknown:
        found = fetch_current(call, calendar_id, before.event_id)
    if not isinstance(found, RemoteEvent):
        raise errors.Gone("it was deleted meanwhile")
    if found.etag == before.etag:
        return _send(call, write)
    if not differs(found.content, content):
        return found
    raise errors.ChangedMeanwhile("it is neither as it was nor as it was to be")


def delete(call: CalendarCall, calendar_id: str, before: RemoteEvent, *, notify: Notify) -> None:
    """Delete an event, or cancel an occurrence. See `change`."""

    def write(adapter: CalendarAdapter) -> None:
        adapter.delete(calendar_id, before.event_id, etag=before.etag, notify=notify)

    try:
        return _send(call, write)
    except errors.OutcomeUnknown:
        found = fetch_current(call, calendar_id, before.event_id)
    if isinstance(found, RemoteEvent):
        # Deleting a deleted event is no error, and the etag protects a changed one.
        _send(call, write)
    return None


def move(
    call: CalendarCall, calendar_id: str, before: RemoteEvent, *, to: str, notify: Notify
) -> RemoteEvent:
    """
    Move an event or a whole series to another calendar of the account. See `change`.

    :raises BadDraft: if the event cannot move to that calendar
    """

    def write(adapter: CalendarAdapter) -> RemoteEvent:
        return adapter.move(calendar_id, before.event_id, to=to, etag=before.etag, notify=notify)

    try:
        return _send(call, write)
    except errors.OutcomeUnknown:
        remaining = fetch_current(call, calendar_id, before.event_id)
    if remaining is not None:
        # The same move again finishes a half-done one.
        return _send(call, write)
    found = find_moved(call, to, before.event_id)
    if not isinstance(found, RemoteEvent):
        raise errors.OutcomeUnknown("it is in neither of the two calendars")
    return found


def find_moved(call: CalendarCall, calendar_id: str, event_id: str) -> Found:
    """Return the event that an earlier move brought to a calendar, by its old id, or None."""
    try:
        return call(lambda adapter: adapter.find_moved(calendar_id, event_id))
    except errors.Gone:
        return None


def respond(
    call: CalendarCall,
    calendar_id: str,
    before: RemoteEvent,
    response: Response,
    *,
    notify: Notify,
) -> RemoteEvent:
    """Answer an invitation for the account's own person. See `change`."""

    def write(adapter: CalendarAdapter) -> RemoteEvent:
        return adapter.respond(
            calendar_id, before.event_id, response, etag=before.etag, notify=notify
        )

    try:
        return _send(call, write)
    except errors.OutcomeUnknown:
        found = fetch_current(call, calendar_id, before.event_id)
    if not isinstance(found, RemoteEvent):
        raise errors.Gone("it was deleted meanwhile")
    if get_response(found) == response:
        return found
    if found.etag != before.etag:
        raise errors.ChangedMeanwhile("it changed meanwhile")
    return _send(call, write)


def get_response(event: RemoteEvent) -> Response | None:
    """Return the answer of the account's owner; None if nobody invited them."""
    attendees = event.content.attendees
    return next((attendee.response for attendee in attendees if attendee.is_self), None)


def is_same(first: EventContent, second: EventContent) -> bool:
    """Return whether two may be one event, created twice: they have one title and one time."""
    return (first.title, *_times(first)) == (second.title, *_times(second))


def differs(first: EventContent, second: EventContent) -> bool:
    """Return whether two differ in a field that is written."""
    return etags.digests(first) != etags.digests(second)


def _send(call: CalendarCall, write: Callable[[CalendarAdapter], T]) -> T:
    refused = ""
    try:
        return call(write)
    except errors.Rejected as error:
        refused = error.reason or "invalid"
    # Outside of the handler, so that the provider's error is not the context.
    if refused == _NOT_ORGANIZER:
        raise NotOrganizer
    if refused == _ACCESS_LEVEL:
        raise ReadOnly
    if refused == _GUESTS:
        raise GuestsAreTold
    if refused in WHY_NOT_MOVED:
        raise BadDraft({"calendar_id": WHY_NOT_MOVED[refused]})
    raise RefusedThere


def _times(content: EventContent) -> tuple[object, ...]:
    return content.start.day, content.start.at, content.end.day, content.end.at
