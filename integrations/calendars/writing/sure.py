"""
One write at a provider, and what became of it: nothing is repeated blindly.

Where no answer came, or the answer leaves it open, it is looked at what is there. Only what was
seen not to have happened is tried once more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from integrations.calendars import versions
from integrations.calling import CalendarCall
from integrations.event_shapes import EventContent, Response
from integrations.providers import errors
from integrations.providers.calendars import CalendarAdapter, CancelledInstance, Notify, RemoteEvent

from .checking import WHY_NOT_MOVED, BadDraft
from .errors import GuestsAreTold, KeyReused, NotOrganizer, ReadOnly, RefusedThere

T = TypeVar("T")

Found = RemoteEvent | CancelledInstance | None
# https://developers.google.com/workspace/calendar/api/guides/errors
_NOT_THEIRS: Final = "forbiddenForNonOrganizer"
_MAY_NOT: Final = "requiredAccessLevel"
# Ours: see `CalendarAdapter.move`.
_GUESTS: Final = "move-guests"


def look(call: CalendarCall, calendar_id: str, event_id: str) -> Found:
    """Return what is there now; None: nothing."""
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
    Write a new event under an id of ours; one that an earlier try wrote is returned.

    :param meets_as: see `CalendarAdapter.create`
    :raises KeyReused: if what is there under that id is another
    :raises errors.Gone: if an earlier try wrote it, and it was deleted since
    :raises errors.OutcomeUnknown: if nobody can tell
    """

    def write(adapter: CalendarAdapter) -> RemoteEvent:
        return adapter.create(
            calendar_id, content, event_id=event_id, notify=notify, meets_as=meets_as
        )

    try:
        return _sent(call, write)
    except errors.AlreadyThere:
        pass
    except errors.OutcomeUnknown:
        found = look(call, calendar_id, event_id)
        if found is None:
            # The same id: should the first try come through after all, this one is told so.
            try:
                return _sent(call, write)
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
    Return the event that an earlier try wrote under an id of ours; None if there is none.

    :raises KeyReused: if the event under that id is another
    :raises errors.ProviderError: if the provider cannot tell
    """
    created = look(call, calendar_id, event_id)
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
    Write what is different of an event, if it is still as it was just read.

    :raises errors.ChangedMeanwhile: if it is not
    :raises errors.Gone: if it is no more
    :raises errors.OutcomeUnknown: if nobody can tell
    """
    if not different(before.content, content):
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
        return _sent(call, write)
    except errors.OutcomeUnknown:
        found = look(call, calendar_id, before.event_id)
    if not isinstance(found, RemoteEvent):
        raise errors.Gone("it was deleted meanwhile")
    if found.etag == before.etag:
        return _sent(call, write)
    if not different(found.content, content):
        return found
    raise errors.ChangedMeanwhile("it is neither as it was nor as it was to be")


def delete(call: CalendarCall, calendar_id: str, before: RemoteEvent, *, notify: Notify) -> None:
    """Delete an event, or cancel an occurrence. See `change`."""

    def write(adapter: CalendarAdapter) -> None:
        adapter.delete(calendar_id, before.event_id, etag=before.etag, notify=notify)

    try:
        return _sent(call, write)
    except errors.OutcomeUnknown:
        found = look(call, calendar_id, before.event_id)
    if isinstance(found, RemoteEvent):
        # To delete what is deleted is no error, and what changed meanwhile is not deleted.
        _sent(call, write)
    return None


def move(
    call: CalendarCall, calendar_id: str, before: RemoteEvent, *, to: str, notify: Notify
) -> RemoteEvent:
    """
    Move an event or a whole series to another calendar of the account. See `change`.

    :raises BadDraft: if it cannot go there
    """

    def write(adapter: CalendarAdapter) -> RemoteEvent:
        return adapter.move(calendar_id, before.event_id, to=to, etag=before.etag, notify=notify)

    try:
        return _sent(call, write)
    except errors.OutcomeUnknown:
        there = look(call, calendar_id, before.event_id)
    if there is not None:
        # The same again finishes what was begun.
        return _sent(call, write)
    found = find_moved(call, to, before.event_id)
    if not isinstance(found, RemoteEvent):
        raise errors.OutcomeUnknown("it is in neither of the two calendars")
    return found


def find_moved(call: CalendarCall, calendar_id: str, event_id: str) -> Found:
    """Return what an earlier move brought into a calendar, by its id before; None: nothing."""
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
        return _sent(call, write)
    except errors.OutcomeUnknown:
        found = look(call, calendar_id, before.event_id)
    if not isinstance(found, RemoteEvent):
        raise errors.Gone("it was deleted meanwhile")
    if answer(found) == response:
        return found
    if found.etag != before.etag:
        raise errors.ChangedMeanwhile("it changed meanwhile")
    return _sent(call, write)


def answer(event: RemoteEvent) -> Response | None:
    """Return what the account's own person answered; None if nobody invited them."""
    return next((one.response for one in event.content.attendees if one.is_self), None)


def is_same(one: EventContent, other: EventContent) -> bool:
    """Return whether two may be the same event, written twice: its title, and when it is."""
    return (one.title, *_times(one)) == (other.title, *_times(other))


def different(one: EventContent, other: EventContent) -> bool:
    """Return whether two differ in anything that is written here."""
    return versions.digests(one) != versions.digests(other)


def _sent(call: CalendarCall, write: Callable[[CalendarAdapter], T]) -> T:
    refused = ""
    try:
        return call(write)
    except errors.Rejected as error:
        refused = error.reason or "invalid"
    # Out here, so that the provider's own error does not ride along.
    if refused == _NOT_THEIRS:
        raise NotOrganizer
    if refused == _MAY_NOT:
        raise ReadOnly
    if refused == _GUESTS:
        raise GuestsAreTold
    if refused in WHY_NOT_MOVED:
        raise BadDraft({"calendar_id": WHY_NOT_MOVED[refused]})
    raise RefusedThere


def _times(content: EventContent) -> tuple[object, ...]:
    return content.start.day, content.start.at, content.end.day, content.end.at
