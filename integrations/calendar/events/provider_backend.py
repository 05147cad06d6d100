"""Writes to calendars at a provider: fetch, check the version, write, verify, cache."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypeVar
from uuid import UUID

from integrations.access.request_context import Asked
from integrations.calendar import etags
from integrations.calendar.calendar_access import Visible
from integrations.calendar.etags import Stale
from integrations.formats.event import EventContent, Response
from integrations.formats.recurrence.series import Start, key, to_when
from integrations.grants import provider_calls
from integrations.grants.provider_calls import CalendarCall
from integrations.providers import PROVIDERS, errors
from integrations.providers.calendars import CancelledInstance, Notify, RemoteEvent

from . import access, cache_update, drafts, series, verified_writes
from .access import EventRequest, ProviderCalendar, RemoteTarget
from .cache_update import CacheUpdate, RemoteChanges
from .drafts import Edit
from .errors import GuestsAreTold, NoSuchOccurrence, NotInvited
from .results import Scope, Written
from .series import SeriesWrite
from .validation import ONE_MOVES, ONE_REPEATS, BadDraft

T = TypeVar("T")

# An event that changes between fetch and write is fetched and merged again, so many times.
_TRIES: Final = 3


def create(
    asked: Asked, seen: Visible, content: EventContent, *, event_id: str, notify: Notify
) -> Written:
    """Create an event. For this and the functions below, see `service`."""
    place = access.open_calendar(asked, seen)
    _require_notify(place, notify, content)
    with provider_calls.calendars(place.access) as call:
        created = verified_writes.create(
            call, place.remote_id, content, event_id=event_id, notify=notify
        )
    return _cache_created(asked, place, created)


def find_created(
    asked: Asked, seen: Visible, content: EventContent, *, event_id: str
) -> Written | None:
    """
    Return the event that an earlier request created, as the provider has it now, or None.

    The provider is asked, because that request may have ended before it updated the cache.

    :raises KeyReused: if another event has the id
    :raises errors.ProviderError: if the provider does not answer
    """
    place = access.open_calendar(asked, seen)
    with provider_calls.calendars(place.access) as call:
        created = verified_writes.find_created(call, place.remote_id, content, event_id=event_id)
    return None if created is None else _cache_created(asked, place, created)


def change(  # noqa: PLR0913 - all parts of an edit
    request: EventRequest,
    target: RemoteTarget,
    edit: Edit,
    *,
    etag: str,
    scope: Scope,
    notify: Notify,
) -> Written:
    def attempt(call: CalendarCall) -> Written:
        live = _fetch_target(call, target)
        if live is None:
            if scope == "following":
                return _find_following(request, target, call, etag)
            return _handle_missing(request, target)
        wanted = drafts.apply_edit(live.content, edit)
        if live.is_organizer:
            _require_notify(target.place, notify, live.content, wanted)
        _raise_stale_after_refresh(
            request,
            target,
            live,
            lambda: etags.require_no_conflict(etag, live.content, wanted, edit),
        )
        if target.is_occurrence and scope != "this":
            write = _begin_series(call, target, notify)
            original = _get_original(live)
            if scope == "all":
                series.change_all(write, original, wanted, edit)
                return _cache(request, target, write.changes, str(request.name.row), write.reset)
            new_ids = _following_ids(request, target, etag)
            created = series.change_following(write, original, wanted, edit, new_ids=new_ids)
            return _cache_following(request, target, write, created)
        if target.is_occurrence and "recurrence" in edit:
            raise BadDraft({"recurrence": ONE_REPEATS})
        if not target.is_occurrence and live.content.recurrence:
            write = SeriesWrite(call, target.place.remote_id, live, notify, RemoteChanges())
            series.change_all(write, None, wanted, edit)
            return _cache(request, target, write.changes, str(request.name), write.reset)
        written = verified_writes.change(call, target.place.remote_id, live, wanted, notify=notify)
        return _cache(request, target, RemoteChanges(events=[written]), str(request.name))

    return _retry_on_conflict(target, attempt)


def delete(
    request: EventRequest, target: RemoteTarget, *, etag: str, scope: Scope, notify: Notify
) -> None:
    def attempt(call: CalendarCall) -> None:
        live = _fetch_target(call, target)
        if live is None:
            # An earlier try or somebody else deleted it: that is the wanted state.
            _cache(request, target, RemoteChanges(gone=[_get_event_id(call, target)]), None)
            return
        if live.is_organizer:
            _require_notify(target.place, notify, live.content)
        _raise_stale_after_refresh(
            request, target, live, lambda: etags.require_unchanged(etag, live.content)
        )
        changes = _delete_live(call, target, live, scope, notify)
        _cache(request, target, changes, None)

    _retry_on_conflict(target, attempt)


def move(
    request: EventRequest, target: RemoteTarget, to: Visible, *, etag: str, notify: Notify
) -> Written:
    if target.is_occurrence:
        raise BadDraft({"calendar_id": ONE_MOVES})
    # With the same account's access: the sink opens no other account's id for it.
    other = access.open_calendar(request.asked, to, target.place.access)
    event_id = target.remote.event_id

    def attempt(call: CalendarCall) -> Written:
        live = _fetch_target(call, target)
        if live is None:
            # An earlier try may have moved it.
            moved = verified_writes.find_moved(call, other.remote_id, event_id)
        else:
            if live.is_organizer:
                _require_notify(target.place, notify, live.content)
            _raise_stale_after_refresh(
                request, target, live, lambda: etags.require_unchanged(etag, live.content)
            )
            moved = verified_writes.move(
                call, target.place.remote_id, live, to=other.remote_id, notify=notify
            )
        if not isinstance(moved, RemoteEvent):
            return _handle_missing(request, target)
        changes = RemoteChanges(events=[moved])
        if moved.content.recurrence:
            _add_exceptions(call, other.remote_id, moved, changes)
        at = request.asked.at
        cache_update.apply_to_cache(target.place, RemoteChanges(gone=[event_id]), at=at)
        update = cache_update.apply_to_cache(other, changes, at=at)
        return Written(to.calendar.id, _find_id(update, moved), seen=update.seen)

    return _retry_on_conflict(target, attempt)


def respond(  # noqa: PLR0913 - all parts of an answer
    request: EventRequest,
    target: RemoteTarget,
    response: Response,
    *,
    etag: str,
    scope: Scope,
    notify: Notify,
) -> Written:
    def attempt(call: CalendarCall) -> Written:
        found = _fetch_target(call, target)
        if found is None:
            return _handle_missing(request, target)
        _raise_stale_after_refresh(
            request, target, found, lambda: etags.require_same_invitation(etag, found.content)
        )
        is_for_series = target.is_occurrence and scope == "all"
        live = _fetch_series(call, target) if is_for_series else found
        if verified_writes.get_response(live) is None:
            raise NotInvited
        written = verified_writes.respond(
            call, target.place.remote_id, live, response, notify=notify
        )
        return _cache(request, target, RemoteChanges(events=[written]), str(request.name))

    return _retry_on_conflict(target, attempt)


def _require_notify(place: ProviderCalendar, notify: Notify, *events: EventContent) -> None:
    """:raises GuestsAreTold: if guests must not be notified, and the provider always does"""
    provider = PROVIDERS[place.calendar.integration.connection.provider]
    if notify == "none" and provider.always_notifies and any(each.attendees for each in events):
        raise GuestsAreTold


def _get_event_id(call: CalendarCall, target: RemoteTarget) -> str:
    """Return the provider's id of the event or occurrence."""
    if target.original is None:
        return target.remote.event_id
    when = to_when(target.original)
    return call(lambda adapter: adapter.instance_id(target.remote.event_id, when))


def _fetch_target(call: CalendarCall, target: RemoteTarget) -> RemoteEvent | None:
    event_id = _get_event_id(call, target)
    found = verified_writes.fetch_current(call, target.place.remote_id, event_id)
    return found if isinstance(found, RemoteEvent) else None


def _fetch_series(call: CalendarCall, target: RemoteTarget) -> RemoteEvent:
    """:raises NoSuchOccurrence: if the provider no longer has the series"""
    found = verified_writes.fetch_current(call, target.place.remote_id, target.series_id)
    if not isinstance(found, RemoteEvent):
        raise NoSuchOccurrence
    return found


def _begin_series(call: CalendarCall, target: RemoteTarget, notify: Notify) -> SeriesWrite:
    whole = _fetch_series(call, target)
    return SeriesWrite(call, target.place.remote_id, whole, notify, RemoteChanges())


def _get_original(live: RemoteEvent) -> Start:
    """:raises NoSuchOccurrence: if the event is no occurrence of a series"""
    if live.original_start is None:
        raise NoSuchOccurrence
    return key(live.original_start)


def _delete_live(
    call: CalendarCall, target: RemoteTarget, live: RemoteEvent, scope: Scope, notify: Notify
) -> RemoteChanges:
    calendar_id = target.place.remote_id
    if target.is_occurrence and scope == "following":
        write = _begin_series(call, target, notify)
        series.delete_following(write, _get_original(live))
        return write.changes
    if target.is_occurrence and scope == "all":
        live = _fetch_series(call, target)
    verified_writes.delete(call, calendar_id, live, notify=notify)
    if not target.is_occurrence or scope == "all":
        return RemoteChanges(gone=[live.event_id])
    if live.original_start is None:
        return RemoteChanges()
    cancelled = CancelledInstance(live.event_id, live.series_id, live.original_start)
    return RemoteChanges(cancelled=[cancelled])


def _add_exceptions(
    call: CalendarCall, calendar_id: str, whole: RemoteEvent, changes: RemoteChanges
) -> None:
    """Add the exceptions of a moved series, so that the cache does not show it without them."""
    found: tuple[RemoteEvent | CancelledInstance, ...] = ()
    # The move is done: if the provider fails now, the next sync brings the exceptions.
    with suppress(errors.ProviderError):
        found = call(lambda adapter: adapter.exceptions(calendar_id, whole.ical_uid))
    for exception in found:
        if isinstance(exception, RemoteEvent):
            changes.events.append(exception)
        else:
            changes.cancelled.append(exception)


def _following_ids(request: EventRequest, target: RemoteTarget, etag: str) -> tuple[str, ...]:
    name = request.name
    return drafts.following_event_ids(
        request.asked.user_id, target.place.calendar.id, name.row, name.original, etag
    )


def _find_following(
    request: EventRequest, target: RemoteTarget, call: CalendarCall, etag: str
) -> Written:
    """Return the series that an earlier try of the same edit created, if it finished."""
    fetched = (
        verified_writes.fetch_current(call, target.place.remote_id, event_id)
        for event_id in _following_ids(request, target, etag)
    )
    created = next((event for event in fetched if isinstance(event, RemoteEvent)), None)
    if created is None:
        return _handle_missing(request, target)
    write = _begin_series(call, target, "none")
    write.changes.events += [created, write.series]
    return _cache_following(request, target, write, created)


def _retry_on_conflict(target: RemoteTarget, attempt: Callable[[CalendarCall], T]) -> T:
    """Run an attempt again if somebody else changed the event between fetch and write."""
    with provider_calls.calendars(target.place.access) as call:
        for _ in range(_TRIES):
            try:
                return attempt(call)
            except errors.ChangedMeanwhile:
                continue
            except errors.Gone:
                break
    raise Stale


def _raise_stale_after_refresh(
    request: EventRequest, target: RemoteTarget, live: RemoteEvent, check: Callable[[], None]
) -> None:
    """Run a check; before `Stale` is raised, write the current event to the cache."""
    try:
        check()
    except Stale:
        # An occurrence that is as its series says has no row.
        events = [] if live.series_id else [live]
        changes = RemoteChanges(events=events)
        cache_update.apply_to_cache(target.place, changes, at=request.asked.at)
        raise


def _handle_missing(request: EventRequest, target: RemoteTarget) -> Written:
    """:raises Stale: after the event was removed from the cache"""
    if target.is_occurrence:
        raise NoSuchOccurrence
    changes = RemoteChanges(gone=[target.remote.event_id])
    cache_update.apply_to_cache(target.place, changes, at=request.asked.at)
    raise Stale


def _cache(
    request: EventRequest,
    target: RemoteTarget,
    changes: RemoteChanges,
    shown: str | None,
    reset: int = 0,
) -> Written:
    update = cache_update.apply_to_cache(target.place, changes, at=request.asked.at)
    return Written(target.place.calendar.id, shown, reset, seen=update.seen)


def _cache_created(asked: Asked, place: ProviderCalendar, created: RemoteEvent) -> Written:
    # Some providers keep an id of ours, others give one of their own.
    update = cache_update.apply_to_cache(place, RemoteChanges(events=[created]), at=asked.at)
    return Written(place.calendar.id, _find_id(update, created), seen=update.seen)


def _cache_following(
    request: EventRequest, target: RemoteTarget, write: SeriesWrite, created: RemoteEvent
) -> Written:
    update = cache_update.apply_to_cache(target.place, write.changes, at=request.asked.at)
    has_new_link = created.conference is not None and created.conference != write.series.conference
    return Written(
        target.place.calendar.id,
        _find_id(update, created),
        write.reset,
        has_new_link,
        update.seen,
    )


def _find_id(update: CacheUpdate, event: RemoteEvent) -> str | None:
    row_id: UUID | None = update.ids.get(event.event_id)
    return None if row_id is None else str(row_id)
