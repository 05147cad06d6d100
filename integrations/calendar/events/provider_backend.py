"""Writes to calendars at a provider: fetch, check the version, write, verify, update the copy."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypeVar
from uuid import UUID

from integrations.access.request_context import RequestContext
from integrations.calendar import etags
from integrations.calendar.calendar_access import VisibleCalendar
from integrations.calendar.etags import EventStale
from integrations.calendar.messages import event_fields as messages
from integrations.formats.event_content import AttendeeResponse, EventContent
from integrations.formats.recurrence.series import to_when
from integrations.grants import provider_calls
from integrations.grants.provider_calls import CalendarCall
from integrations.providers import errors
from integrations.providers.calendars import CancelledInstance, Notify, RemoteEvent

from . import cache_update, event_access, event_drafts, series_writes, verified_writes
from .cache_update import CacheUpdate, RemoteChanges
from .event_access import (
    EventWriteRequest,
    GuestNotices,
    ProviderCalendar,
    RemoteEventTarget,
)
from .event_drafts import EventEdit
from .event_validation import BadEventDraft
from .series_writes import SeriesWrite
from .write_errors import NoSuchOccurrence, NotInvitedToEvent
from .write_results import EventWriteResult, SeriesScope

T = TypeVar("T")

# How often an event that changes between fetch and write is fetched and merged again.
_MAX_TRIES: Final = 3


def create(
    context: RequestContext,
    visible: VisibleCalendar,
    content: EventContent,
    *,
    event_id: str,
    notify: Notify,
) -> EventWriteResult:
    """For this and the functions below, see `event_service`."""
    provider_calendar = event_access.open_calendar(context, visible)
    GuestNotices(context, provider_calendar, notify).authorize(content)
    with provider_calls.open_calendars(provider_calendar.access) as call:
        created = verified_writes.create(
            call, provider_calendar.remote_id, content, event_id=event_id, notify=notify
        )
    return _cache_created(context, provider_calendar, created)


def find_created(
    context: RequestContext, visible: VisibleCalendar, content: EventContent, *, event_id: str
) -> EventWriteResult | None:
    """
    Ask the provider: the earlier request may have ended before it updated the copy.

    :raises EventKeyReused, errors.ProviderError:
    """
    provider_calendar = event_access.open_calendar(context, visible)
    with provider_calls.open_calendars(provider_calendar.access) as call:
        created = verified_writes.find_created(
            call, provider_calendar.remote_id, content, event_id=event_id
        )
    return None if created is None else _cache_created(context, provider_calendar, created)


def change(  # noqa: PLR0913 - all parts of an edit
    request: EventWriteRequest,
    target: RemoteEventTarget,
    edit: EventEdit,
    *,
    etag: str,
    scope: SeriesScope,
    notify: Notify,
) -> EventWriteResult:
    notices = GuestNotices(request.context, target.provider_calendar, notify)

    def attempt_change(call: CalendarCall) -> EventWriteResult:
        live = _fetch_target(call, target)
        if live is None:
            if scope == "following":
                return _find_following(request, target, call, etag)
            return _handle_missing(request, target)
        series = _fetch_series_of_scope(call, target, scope)
        edited = event_drafts.apply_event_edit(live.content, edit)
        affected = [live.content, edited, *([series.content] if series else [])]
        if live.is_organizer:
            notices.require_choice(*affected)
        _raise_stale_after_refresh(
            request,
            target,
            live,
            lambda: etags.require_no_conflict(etag, live.content, edited, edit),
        )
        if live.is_organizer:
            notices.authorize(*affected)
        if series is not None:
            write = _begin_series(call, target, series, notify)
            original_start = series_writes.get_original_start(live)
            if scope == "all":
                series_writes.change_whole_series(write, original_start, edited, edit)
                return _cache_and_return(
                    request, target, write.changes, str(request.event_id.row_id), write.reset_count
                )
            new_ids = _get_following_ids(request, target, etag)
            created = series_writes.change_following(
                write, original_start, edited, edit, new_ids=new_ids
            )
            return _cache_following(request, target, write, created)
        if target.is_occurrence and "recurrence" in edit:
            raise BadEventDraft({"recurrence": messages.ONE_OCCURRENCE_REPEATS})
        if not target.is_occurrence and live.content.recurrence:
            write = _begin_series(call, target, live, notify)
            series_writes.change_whole_series(write, None, edited, edit)
            return _cache_and_return(
                request, target, write.changes, str(request.event_id), write.reset_count
            )
        written = verified_writes.change(call, target.calendar_id, live, edited, notify=notify)
        return _cache_and_return(
            request, target, RemoteChanges(events=[written]), str(request.event_id)
        )

    return _retry_on_conflict(target, attempt_change)


def delete(
    request: EventWriteRequest,
    target: RemoteEventTarget,
    *,
    etag: str,
    scope: SeriesScope,
    notify: Notify,
) -> None:
    notices = GuestNotices(request.context, target.provider_calendar, notify)

    def attempt_delete(call: CalendarCall) -> None:
        live = _fetch_target(call, target)
        if live is None:
            # It is deleted already, by an earlier try or another client.
            _cache_and_return(
                request, target, RemoteChanges(deleted_ids=[_get_event_id(call, target)]), None
            )
            return
        series = _fetch_series_of_scope(call, target, scope)
        affected = [live.content, *([series.content] if series else [])]
        if live.is_organizer:
            notices.require_choice(*affected)
        _raise_stale_after_refresh(
            request, target, live, lambda: etags.require_unchanged(etag, live.content)
        )
        if live.is_organizer:
            notices.authorize(*affected)
        if series is not None and scope == "following":
            write = _begin_series(call, target, series, notify)
            series_writes.delete_following(write, series_writes.get_original_start(live))
            changes = write.changes
        else:
            changes = _delete_event(call, target, series or live, notify)
        _cache_and_return(request, target, changes, None)

    _retry_on_conflict(target, attempt_delete)


def move(
    request: EventWriteRequest,
    target: RemoteEventTarget,
    destination: VisibleCalendar,
    *,
    etag: str,
    notify: Notify,
) -> EventWriteResult:
    if target.is_occurrence:
        raise BadEventDraft({"calendar_id": messages.ONE_OCCURRENCE_MOVES})
    # With the same account's access, so the sink opens no id of another account.
    destination_calendar = event_access.open_calendar(
        request.context, destination, target.provider_calendar.access
    )
    event_id = target.remote.event_id
    notices = GuestNotices(request.context, target.provider_calendar, notify)

    def attempt_move(call: CalendarCall) -> EventWriteResult:
        live = _fetch_target(call, target)
        if live is None:
            # An earlier try may have moved it.
            moved = verified_writes.find_moved(call, destination_calendar.remote_id, event_id)
        else:
            if live.is_organizer:
                notices.require_choice(live.content)
            _raise_stale_after_refresh(
                request, target, live, lambda: etags.require_unchanged(etag, live.content)
            )
            if live.is_organizer:
                notices.authorize(live.content)
            moved = verified_writes.move(
                call,
                target.calendar_id,
                live,
                to=destination_calendar.remote_id,
                notify=notify,
            )
        if not isinstance(moved, RemoteEvent):
            return _handle_missing(request, target)
        changes = RemoteChanges(events=[moved])
        if moved.content.recurrence:
            _add_exceptions(call, destination_calendar.remote_id, moved, changes)
        at = request.context.at
        cache_update.apply_to_cache(
            target.provider_calendar, RemoteChanges(deleted_ids=[event_id]), at=at
        )
        update = cache_update.apply_to_cache(destination_calendar, changes, at=at)
        return EventWriteResult(
            destination.calendar.id, _find_row_id(update, moved), visible=update.visible
        )

    return _retry_on_conflict(target, attempt_move)


def respond(  # noqa: PLR0913 - all parts of an answer
    request: EventWriteRequest,
    target: RemoteEventTarget,
    response: AttendeeResponse,
    *,
    etag: str,
    scope: SeriesScope,
    notify: Notify,
) -> EventWriteResult:
    def attempt_response(call: CalendarCall) -> EventWriteResult:
        invitation = _fetch_target(call, target)
        if invitation is None:
            return _handle_missing(request, target)
        _raise_stale_after_refresh(
            request,
            target,
            invitation,
            lambda: etags.require_same_invitation(etag, invitation.content),
        )
        is_for_series = target.is_occurrence and scope == "all"
        live = _fetch_series(call, target) if is_for_series else invitation
        if verified_writes.get_response(live) is None:
            raise NotInvitedToEvent
        written = verified_writes.respond(call, target.calendar_id, live, response, notify=notify)
        return _cache_and_return(
            request, target, RemoteChanges(events=[written]), str(request.event_id)
        )

    return _retry_on_conflict(target, attempt_response)


def _get_event_id(call: CalendarCall, target: RemoteEventTarget) -> str:
    if target.original_start is None:
        return target.remote.event_id
    when = to_when(target.original_start)
    return call(lambda adapter: adapter.get_instance_id(target.remote.event_id, when))


def _fetch_target(call: CalendarCall, target: RemoteEventTarget) -> RemoteEvent | None:
    event_id = _get_event_id(call, target)
    fetched = verified_writes.fetch_current(call, target.calendar_id, event_id)
    return fetched if isinstance(fetched, RemoteEvent) else None


def _fetch_series(call: CalendarCall, target: RemoteEventTarget) -> RemoteEvent:
    fetched = verified_writes.fetch_current(call, target.calendar_id, target.series_id)
    if not isinstance(fetched, RemoteEvent):
        raise NoSuchOccurrence
    return fetched


def _fetch_series_of_scope(
    call: CalendarCall, target: RemoteEventTarget, scope: SeriesScope
) -> RemoteEvent | None:
    """Return the series if an occurrence stands for it; its guests may be others."""
    return _fetch_series(call, target) if target.is_occurrence and scope != "this" else None


def _begin_series(
    call: CalendarCall, target: RemoteEventTarget, series: RemoteEvent, notify: Notify
) -> SeriesWrite:
    return SeriesWrite(call, target.calendar_id, series, notify, RemoteChanges())


def _delete_event(
    call: CalendarCall, target: RemoteEventTarget, live: RemoteEvent, notify: Notify
) -> RemoteChanges:
    """:param live: an event, an occurrence, or the series of an occurrence"""
    verified_writes.delete(call, target.calendar_id, live, notify=notify)
    if not target.is_occurrence or not live.series_id:
        return RemoteChanges(deleted_ids=[live.event_id])
    if live.original_start is None:
        return RemoteChanges()
    cancelled = CancelledInstance(live.event_id, live.series_id, live.original_start)
    return RemoteChanges(cancelled=[cancelled])


def _add_exceptions(
    call: CalendarCall, calendar_id: str, series_event: RemoteEvent, changes: RemoteChanges
) -> None:
    """Add the exceptions of a moved series, which the copy must not show without them."""
    exceptions: tuple[RemoteEvent | CancelledInstance, ...] = ()
    # The move is done: if the provider fails now, the next sync brings the exceptions.
    with suppress(errors.ProviderError):
        exceptions = call(
            lambda adapter: adapter.list_exceptions(calendar_id, series_event.ical_uid)
        )
    for exception in exceptions:
        if isinstance(exception, RemoteEvent):
            changes.events.append(exception)
        else:
            changes.cancelled.append(exception)


def _get_following_ids(
    request: EventWriteRequest, target: RemoteEventTarget, etag: str
) -> tuple[str, ...]:
    event_id = request.event_id
    return event_drafts.following_event_ids(
        request.context.user_id,
        target.provider_calendar.calendar.id,
        event_id.row_id,
        event_id.original_start,
        etag,
    )


def _find_following(
    request: EventWriteRequest, target: RemoteEventTarget, call: CalendarCall, etag: str
) -> EventWriteResult:
    """Return the series that an earlier try of the same edit created, if it finished."""
    fetched = (
        verified_writes.fetch_current(call, target.calendar_id, event_id)
        for event_id in _get_following_ids(request, target, etag)
    )
    created = next((event for event in fetched if isinstance(event, RemoteEvent)), None)
    if created is None:
        return _handle_missing(request, target)
    write = _begin_series(call, target, _fetch_series(call, target), "none")
    write.changes.events += [created, write.series]
    return _cache_following(request, target, write, created)


def _retry_on_conflict(target: RemoteEventTarget, attempt: Callable[[CalendarCall], T]) -> T:
    """Retry if the event was changed between fetch and write."""
    with provider_calls.open_calendars(target.provider_calendar.access) as call:
        for _ in range(_MAX_TRIES):
            try:
                return attempt(call)
            except errors.ChangedMeanwhile:
                continue
            except errors.Gone:
                break
    raise EventStale


def _raise_stale_after_refresh(
    request: EventWriteRequest,
    target: RemoteEventTarget,
    live: RemoteEvent,
    check: Callable[[], None],
) -> None:
    """Run a check; before `EventStale` is raised, write the current event to the copy."""
    try:
        check()
    except EventStale:
        # An unchanged occurrence has no row.
        events = [] if live.series_id else [live]
        changes = RemoteChanges(events=events)
        cache_update.apply_to_cache(target.provider_calendar, changes, at=request.context.at)
        raise


def _handle_missing(request: EventWriteRequest, target: RemoteEventTarget) -> EventWriteResult:
    """:raises EventStale: after removing the event from the copy"""
    if target.is_occurrence:
        raise NoSuchOccurrence
    changes = RemoteChanges(deleted_ids=[target.remote.event_id])
    cache_update.apply_to_cache(target.provider_calendar, changes, at=request.context.at)
    raise EventStale


def _cache_and_return(
    request: EventWriteRequest,
    target: RemoteEventTarget,
    changes: RemoteChanges,
    event_id: str | None,
    reset_count: int = 0,
) -> EventWriteResult:
    update = cache_update.apply_to_cache(target.provider_calendar, changes, at=request.context.at)
    return EventWriteResult(
        target.provider_calendar.calendar.id, event_id, reset_count, visible=update.visible
    )


def _cache_created(
    context: RequestContext, provider_calendar: ProviderCalendar, created: RemoteEvent
) -> EventWriteResult:
    # Some providers keep Antares' id, others assign their own.
    update = cache_update.apply_to_cache(
        provider_calendar, RemoteChanges(events=[created]), at=context.at
    )
    return EventWriteResult(
        provider_calendar.calendar.id, _find_row_id(update, created), visible=update.visible
    )


def _cache_following(
    request: EventWriteRequest, target: RemoteEventTarget, write: SeriesWrite, created: RemoteEvent
) -> EventWriteResult:
    update = cache_update.apply_to_cache(
        target.provider_calendar, write.changes, at=request.context.at
    )
    has_new_link = created.conference is not None and created.conference != write.series.conference
    return EventWriteResult(
        target.provider_calendar.calendar.id,
        _find_row_id(update, created),
        write.reset_count,
        has_new_link,
        update.visible,
    )


def _find_row_id(update: CacheUpdate, event: RemoteEvent) -> str | None:
    row_id: UUID | None = update.row_ids.get(event.event_id)
    return None if row_id is None else str(row_id)
