"""
Writes at a provider with a verified outcome.

If the outcome is open, the event is fetched, and the write is sent again only if the first did
not happen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from integrations.calendar import etags
from integrations.calendar.messages import event_fields as messages
from integrations.formats.event_content import AttendeeResponse, EventContent
from integrations.grants.provider_calls import CalendarCall
from integrations.providers import errors
from integrations.providers.calendars import CalendarAdapter, CancelledInstance, Notify, RemoteEvent

from .event_validation import BadEventDraft
from .write_errors import (
    CalendarReadOnly,
    EventKeyReused,
    EventRejected,
    GuestsAlwaysNotified,
    NotEventOrganizer,
)

T = TypeVar("T")

FetchedEvent = RemoteEvent | CancelledInstance | None
# https://developers.google.com/workspace/calendar/api/guides/errors
_NOT_ORGANIZER: Final = "forbiddenForNonOrganizer"
_ACCESS_LEVEL: Final = "requiredAccessLevel"
# A reason of the adapters: see `CalendarAdapter.move`.
_GUESTS: Final = "move-guests"


def fetch_current(call: CalendarCall, calendar_id: str, event_id: str) -> FetchedEvent:
    """Return None if the provider has no event with this id."""
    try:
        return call(lambda adapter: adapter.get_event(calendar_id, event_id))
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
    Return the event also if an earlier try created it.

    :param meets_as: see `CalendarAdapter.create`
    :raises EventKeyReused: if another event has the id
    :raises errors.Gone: if the event of an earlier try was deleted since
    :raises errors.OutcomeUnknown:
    """

    def send_create(adapter: CalendarAdapter) -> RemoteEvent:
        return adapter.create_event(
            calendar_id, content, event_id=event_id, notify=notify, conference_event_id=meets_as
        )

    try:
        return _send_write(call, send_create)
    except errors.AlreadyThere:
        pass
    except errors.OutcomeUnknown:
        existing = fetch_current(call, calendar_id, event_id)
        if existing is None:
            # The same id: if the first try succeeds late, this one gets `AlreadyThere`.
            try:
                return _send_write(call, send_create)
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
    Return the event that an earlier try created.

    :raises EventKeyReused: if another event has the id
    :raises errors.ProviderError: if the provider cannot tell
    """
    created = fetch_current(call, calendar_id, event_id)
    if not isinstance(created, RemoteEvent):
        return None
    if not is_same(created.content, content):
        raise EventKeyReused
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

    :raises errors.ChangedMeanwhile, errors.Gone, errors.OutcomeUnknown:
    """
    if not is_different(before.content, content):
        return before

    def send_change(adapter: CalendarAdapter) -> RemoteEvent:
        return adapter.update_event(
            calendar_id,
            before.event_id,
            content,
            etag=before.etag,
            notify=notify,
            before=before.content,
        )

    try:
        return _send_write(call, send_change)
    except errors.OutcomeUnknown:
        current = fetch_current(call, calendar_id, before.event_id)
    if not isinstance(current, RemoteEvent):
        raise errors.Gone("it was deleted meanwhile")
    if current.etag == before.etag:
        return _send_write(call, send_change)
    if not is_different(current.content, content):
        return current
    raise errors.ChangedMeanwhile("it is neither as it was nor as it was to be")


def delete(call: CalendarCall, calendar_id: str, before: RemoteEvent, *, notify: Notify) -> None:
    """See `change`."""

    def send_delete(adapter: CalendarAdapter) -> None:
        adapter.delete_event(calendar_id, before.event_id, etag=before.etag, notify=notify)

    try:
        return _send_write(call, send_delete)
    except errors.OutcomeUnknown:
        current = fetch_current(call, calendar_id, before.event_id)
    if isinstance(current, RemoteEvent):
        # Deleting a deleted event is no error, and the etag protects a changed one.
        _send_write(call, send_delete)
    return None


def move(
    call: CalendarCall, calendar_id: str, before: RemoteEvent, *, to: str, notify: Notify
) -> RemoteEvent:
    """
    See `change`.

    :raises BadEventDraft: if the event cannot move to that calendar
    """

    def send_move(adapter: CalendarAdapter) -> RemoteEvent:
        return adapter.move_event(
            calendar_id, before.event_id, target_calendar_id=to, etag=before.etag, notify=notify
        )

    try:
        return _send_write(call, send_move)
    except errors.OutcomeUnknown:
        remaining = fetch_current(call, calendar_id, before.event_id)
    if remaining is not None:
        # The same move again finishes a half-done one.
        return _send_write(call, send_move)
    moved = find_moved(call, to, before.event_id)
    if not isinstance(moved, RemoteEvent):
        raise errors.OutcomeUnknown("it is in neither of the two calendars")
    return moved


def find_moved(call: CalendarCall, calendar_id: str, event_id: str) -> FetchedEvent:
    """Return the event of an earlier move, by its old id."""
    try:
        return call(lambda adapter: adapter.find_moved_event(calendar_id, event_id))
    except errors.Gone:
        return None


def respond(
    call: CalendarCall,
    calendar_id: str,
    before: RemoteEvent,
    response: AttendeeResponse,
    *,
    notify: Notify,
) -> RemoteEvent:
    """Answer for the account's owner. See `change`."""

    def send_response(adapter: CalendarAdapter) -> RemoteEvent:
        return adapter.respond_to_invitation(
            calendar_id, before.event_id, response, etag=before.etag, notify=notify
        )

    try:
        return _send_write(call, send_response)
    except errors.OutcomeUnknown:
        current = fetch_current(call, calendar_id, before.event_id)
    if not isinstance(current, RemoteEvent):
        raise errors.Gone("it was deleted meanwhile")
    if get_response(current) == response:
        return current
    if current.etag != before.etag:
        raise errors.ChangedMeanwhile("it changed meanwhile")
    return _send_write(call, send_response)


def get_response(event: RemoteEvent) -> AttendeeResponse | None:
    """Return the owner's answer; None if the owner is not a guest."""
    attendees = event.content.attendees
    return next((attendee.response for attendee in attendees if attendee.is_self), None)


def is_same(first: EventContent, second: EventContent) -> bool:
    """Compare title and times, to find an event that was created twice."""
    return (first.title, *_get_times(first)) == (second.title, *_get_times(second))


def is_different(first: EventContent, second: EventContent) -> bool:
    return etags.digest_fields(first) != etags.digest_fields(second)


def _send_write(call: CalendarCall, write: Callable[[CalendarAdapter], T]) -> T:
    refused = ""
    try:
        return call(write)
    except errors.Rejected as error:
        refused = error.reason or "invalid"
    # Outside of the handler: the provider's error must not become the context.
    if refused == _NOT_ORGANIZER:
        raise NotEventOrganizer
    if refused == _ACCESS_LEVEL:
        raise CalendarReadOnly
    if refused == _GUESTS:
        raise GuestsAlwaysNotified
    if refused in messages.NOT_MOVED:
        raise BadEventDraft({"calendar_id": messages.NOT_MOVED[refused]})
    raise EventRejected


def _get_times(content: EventContent) -> tuple[object, ...]:
    return content.start.day, content.start.at, content.end.day, content.end.at
