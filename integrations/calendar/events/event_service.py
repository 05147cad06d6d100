"""The policy refuses every write of a feature."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from integrations.access.request_context import ObjectNotFound, RequestContext
from integrations.calendar.calendar_access import VisibleCalendar
from integrations.calendar.event_lookup import EventId
from integrations.calendar.local_events import LocalCalendarFull
from integrations.calendar.messages import event_fields as messages
from integrations.coordination.person_slots import TooManyWaits
from integrations.formats.event_content import AttendeeResponse, EventContent
from integrations.providers.calendars import Notify
from limited_use.guard.guard import AccessRefused

from . import availability_check, event_access, event_drafts, local_backend, provider_backend
from .event_access import EventWriteRequest
from .event_drafts import EventDraft, EventEdit
from .event_validation import BadEventDraft
from .write_errors import (
    CalendarReadOnly,
    EventKeyReused,
    EventRejected,
    EventSlotTaken,
    NotInvitedToEvent,
    WritePermissionMissing,
)
from .write_results import EventWriteResult, SeriesScope

#: Errors of `create` after which no event was written: its key may be used for another event.
NOT_WRITTEN: Final = (
    AccessRefused, BadEventDraft, CalendarReadOnly, EventKeyReused, EventRejected,
    LocalCalendarFull, ObjectNotFound, EventSlotTaken, TooManyWaits, WritePermissionMissing,
)  # fmt: skip


def create(  # noqa: PLR0913 - all parts of a new event
    context: RequestContext,
    visible: VisibleCalendar,
    draft: EventDraft,
    *,
    key: str,
    notify: Notify = "none",
    require_free: Sequence[UUID] = (),
) -> EventWriteResult:
    """
    :param visible: from `event_access.find_writable_calendar`
    :param key: up to 200 characters; a second request with the same key creates no second event
    :param require_free: people who must be free at this moment
    :raises write_errors.EventSlotTaken: unless an earlier request with the key created the event
    :raises BadEventDraft, write_errors.EventKeyReused, write_errors.GuestsAlwaysNotified,
        write_errors.EventRejected:
    :raises limited_use.guard.guard.AccessRefused, integrations.access.fences.DisconnectedError:
    :raises integrations.providers.errors.OutcomeUnknown: repeating the request is harmless
    """
    content = event_drafts.to_event_content(draft)
    event_id = event_drafts.client_event_id(context.user_id, visible.calendar.id, key)
    if require_free:
        try:
            availability_check.require_free(context, require_free, content)
        except EventSlotTaken:
            # The conflicting event may be the one that an earlier request created.
            created = _find_created(context, visible, content, event_id)
            if created is None:
                raise
            return created
    if visible.calendar.is_local:
        return local_backend.create(context, visible, content, uid=event_id)
    return provider_backend.create(context, visible, content, event_id=event_id, notify=notify)


def change(  # noqa: PLR0913 - all parts of an edit
    context: RequestContext,
    event_id: EventId,
    edit: EventEdit,
    *,
    etag: str,
    scope: SeriesScope = "this",
    notify: Notify = "none",
) -> EventWriteResult:
    """
    Change an event, an occurrence, or a series from an occurrence on.

    :param etag: the version that the actor saw; concurrent changes of other fields stay
    :raises BadEventDraft, EventStale, integrations.calendar.etags.VersionMalformed:
    :raises write_errors.NoSuchOccurrence, write_errors.NotEventOrganizer,
        write_errors.SeriesSplitHalfDone:
    :raises: see `event_access.find_event_to_write`, and `create` but for EventKeyReused
    """
    request = EventWriteRequest(context, event_id)
    row, visible = event_access.find_event_to_write(request)
    if visible.calendar.is_local:
        return local_backend.change(request, visible, edit, etag=etag, scope=scope)
    target = event_access.open_event_target(request, row, visible)
    return provider_backend.change(request, target, edit, etag=etag, scope=scope, notify=notify)


def delete(
    context: RequestContext,
    event_id: EventId,
    *,
    etag: str,
    scope: SeriesScope = "this",
    notify: Notify = "none",
) -> None:
    """
    Delete an event, cancel an occurrence, or end a series; a missing event is no error.

    :raises EventStale: if any field changed since `etag`
    :raises: see `change`
    """
    request = EventWriteRequest(context, event_id)
    row, visible = event_access.find_event_to_write(request)
    if visible.calendar.is_local:
        return local_backend.delete(request, visible, etag=etag, scope=scope)
    target = event_access.open_event_target(request, row, visible)
    return provider_backend.delete(request, target, etag=etag, scope=scope, notify=notify)


def move(
    context: RequestContext, event_id: EventId, *, etag: str, to: UUID, notify: Notify = "none"
) -> EventWriteResult:
    """
    Move an event or a whole series to another calendar of the same account.

    :raises BadEventDraft: if the event cannot move to that calendar
    :raises EventStale: if any field changed since `etag`
    :raises: see `change`
    """
    request = EventWriteRequest(context, event_id)
    row, visible, destination = event_access.find_event_to_move(request, to)
    if destination.calendar.id == visible.calendar.id:
        raise BadEventDraft({"calendar_id": messages.SAME_CALENDAR})
    if destination.calendar.integration_id != visible.calendar.integration_id:
        raise BadEventDraft({"calendar_id": messages.OTHER_ACCOUNT})
    if visible.calendar.is_local:
        return local_backend.move(request, visible, destination, etag=etag)
    target = event_access.open_event_target(request, row, visible)
    return provider_backend.move(request, target, destination, etag=etag, notify=notify)


def respond(  # noqa: PLR0913 - all parts of an answer
    context: RequestContext,
    event_id: EventId,
    response: AttendeeResponse,
    *,
    etag: str,
    scope: SeriesScope = "this",
    notify: Notify = "none",
) -> EventWriteResult:
    """
    Answer for one event or occurrence; with the scope `all`, for the series.

    :raises write_errors.NotInvitedToEvent, EventStale:
    :raises: see `change`
    """
    request = EventWriteRequest(context, event_id)
    row, visible = event_access.find_event_to_write(request)
    if visible.calendar.is_local:
        # A file may name guests, but sends no invitation.
        raise NotInvitedToEvent
    target = event_access.open_event_target(request, row, visible)
    return provider_backend.respond(
        request, target, response, etag=etag, scope=scope, notify=notify
    )


def _find_created(
    context: RequestContext, visible: VisibleCalendar, content: EventContent, event_id: str
) -> EventWriteResult | None:
    if visible.calendar.is_local:
        return local_backend.find_created(context, visible, content, uid=event_id)
    return provider_backend.find_created(context, visible, content, event_id=event_id)
