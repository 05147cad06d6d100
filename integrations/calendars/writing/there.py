"""Writing at a provider: asked for, written, looked at, and then in our rows as well."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypeVar
from uuid import UUID

from integrations import calling
from integrations.asking import Asked
from integrations.calendars.visible import Visible
from integrations.calling import CalendarCall
from integrations.event_shapes import EventContent, Response
from integrations.providers import errors
from integrations.providers.calendars import CancelledInstance, Notify, RemoteEvent

from . import copying, drafts, naming, places, serial, sure, targets
from .checking import ONE_MOVES, ONE_REPEATS, BadDraft
from .copying import Came
from .drafts import Edit
from .errors import NoSuchOccurrence, NotInvited, Stale
from .places import There
from .results import Scope, Written
from .serial import Instance, Work
from .targets import Target, Which

T = TypeVar("T")

# What changed between reading and writing is read again, and merged again, that often.
_TRIES: Final = 3


def create(
    asked: Asked, seen: Visible, content: EventContent, *, key: str, notify: Notify
) -> Written:
    """Write a new event. See the package, of this and of all below."""
    place = places.there(asked, seen)
    places.may_tell(place, notify, content)
    name = naming.name_of(asked.user_id, seen.calendar.id, key)
    with calling.calendars(place.access) as call:
        made = sure.create(call, place.remote_id, content, event_id=name, notify=notify)
    return _copy_created(asked, place, made)


def find_created(asked: Asked, seen: Visible, content: EventContent, *, key: str) -> Written | None:
    """
    Return the event that an earlier try under the key wrote, as its provider has it now.

    The provider is asked, because that try may have ended before it wrote our rows. None: the
    provider has no such event.

    :raises KeyReused: if the event under the key is another
    :raises errors.ProviderError: if the provider cannot tell
    """
    place = places.there(asked, seen)
    name = naming.name_of(asked.user_id, seen.calendar.id, key)
    with calling.calendars(place.access) as call:
        created = sure.find_created(call, place.remote_id, content, event_id=name)
    return None if created is None else _copy_created(asked, place, created)


def _copy_created(asked: Asked, place: There, created: RemoteEvent) -> Written:
    # Some providers keep an id of ours, others give one of their own.
    ids = copying.take(place, Came(events=[created]), at=asked.at)
    return Written(place.calendar.id, _text(ids.get(created.event_id)))


def change(  # noqa: PLR0913 - one edit in full
    which: Which, target: Target, edit: Edit, *, etag: str, scope: Scope, notify: Notify
) -> Written:
    def once(call: CalendarCall) -> Written:
        live = target.at_provider(call)
        if live is None:
            if scope == "following":
                return _begun_already(which, target, call, etag)
            return _gone(which, target)
        wanted = drafts.edited(live.content, edit)
        if live.is_organizer:
            places.may_tell(target.place, notify, live.content, wanted)
        _or_show(which, target, live, lambda: targets.check(etag, live.content, wanted, edit))
        if target.is_occurrence and scope != "this":
            work = Work(call, target.place.remote_id, target.series(call), notify, Came())
            one = Instance(live, wanted)
            return _change_series(which, target, work, one, edit, etag=etag, scope=scope)
        if target.is_occurrence and "recurrence" in edit:
            raise BadDraft({"recurrence": ONE_REPEATS})
        if not target.is_occurrence and live.content.recurrence:
            work = Work(call, target.place.remote_id, live, notify, Came())
            serial.change_all(work, None, wanted, edit)
            return _taken(which, target, work.came, naming.as_asked_for(which.name), work.reset)
        written = sure.change(call, target.place.remote_id, live, wanted, notify=notify)
        return _taken(which, target, Came(events=[written]), naming.as_asked_for(which.name))

    return _merging(target, once)


def delete(which: Which, target: Target, *, etag: str, scope: Scope, notify: Notify) -> None:
    def once(call: CalendarCall) -> None:
        live = target.at_provider(call)
        if live is None:
            # Deleted already, by an earlier try or by somebody else: that is what was wanted.
            _taken(which, target, Came(gone=[target.event_id(call)]), None)
            return
        if live.is_organizer:
            places.may_tell(target.place, notify, live.content)
        _or_show(which, target, live, lambda: targets.unchanged(etag, live.content))
        came = Came()
        if not target.is_occurrence:
            sure.delete(call, target.place.remote_id, live, notify=notify)
            came.gone.append(live.event_id)
        elif scope == "this":
            sure.delete(call, target.place.remote_id, live, notify=notify)
            if live.original_start is not None:
                cancelled = CancelledInstance(live.event_id, live.series_id, live.original_start)
                came.cancelled.append(cancelled)
        else:
            series = target.series(call)
            if scope == "all":
                sure.delete(call, target.place.remote_id, series, notify=notify)
                came.gone.append(series.event_id)
            else:
                work = Work(call, target.place.remote_id, series, notify, came)
                serial.delete_following(work, targets.original_of(live))
        _taken(which, target, came, None)

    _merging(target, once)


def move(which: Which, target: Target, to: Visible, *, etag: str, notify: Notify) -> Written:
    if target.is_occurrence:
        raise BadDraft({"calendar_id": ONE_MOVES})
    # Its name is opened for the account that will be told it: another's does not open.
    other = places.there(which.asked, to, target.place.access)
    name = target.remote.event_id

    def once(call: CalendarCall) -> Written:
        live = target.at_provider(call)
        if live is None:
            # An earlier try of the same may have taken it there.
            moved = sure.find_moved(call, other.remote_id, name)
        else:
            if live.is_organizer:
                places.may_tell(target.place, notify, live.content)
            _or_show(which, target, live, lambda: targets.unchanged(etag, live.content))
            moved = sure.move(call, target.place.remote_id, live, to=other.remote_id, notify=notify)
        if not isinstance(moved, RemoteEvent):
            return _gone(which, target)
        came = Came(events=[moved])
        if moved.content.recurrence:
            _add_exceptions(call, other.remote_id, moved, came)
        copying.take(target.place, Came(gone=[name]), at=which.asked.at)
        ids = copying.take(other, came, at=which.asked.at)
        return Written(to.calendar.id, _text(ids.get(moved.event_id)))

    return _merging(target, once)


def _add_exceptions(call: CalendarCall, calendar_id: str, series: RemoteEvent, came: Came) -> None:
    """Add what differs from a series, so that it is not shown without."""
    found: tuple[RemoteEvent | CancelledInstance, ...] = ()
    # The move is done: otherwise the next synchronisation brings them.
    with suppress(errors.ProviderError):
        found = call(lambda adapter: adapter.exceptions(calendar_id, series.ical_uid))
    for one in found:
        if isinstance(one, RemoteEvent):
            came.events.append(one)
        else:
            came.cancelled.append(one)


def respond(  # noqa: PLR0913 - one answer in full
    which: Which, target: Target, response: Response, *, etag: str, scope: Scope, notify: Notify
) -> Written:
    def once(call: CalendarCall) -> Written:
        found = target.at_provider(call)
        if found is None:
            return _gone(which, target)
        _or_show(which, target, found, lambda: targets.still_that(etag, found.content))
        live = target.series(call) if target.is_occurrence and scope == "all" else found
        if sure.answer(live) is None:
            raise NotInvited
        written = sure.respond(call, target.place.remote_id, live, response, notify=notify)
        return _taken(which, target, Came(events=[written]), naming.as_asked_for(which.name))

    return _merging(target, once)


def _change_series(  # noqa: PLR0913 - one edit in full
    which: Which,
    target: Target,
    work: Work,
    one: Instance,
    edit: Edit,
    *,
    etag: str,
    scope: Scope,
) -> Written:
    original = targets.original_of(one.live)
    if scope == "all":
        serial.change_all(work, original, one.wanted, edit)
        return _taken(which, target, work.came, str(which.name.row), work.reset)
    new_ids = naming.of_following(which, target.place.calendar.id, etag)
    made = serial.change_following(work, original, one.wanted, edit, new_ids=new_ids)
    ids = copying.take(target.place, work.came, at=which.asked.at)
    has_new_link = made.conference is not None and made.conference != work.series.conference
    shown = _text(ids.get(made.event_id))
    return Written(target.place.calendar.id, shown, work.reset, has_new_link)


def _begun_already(which: Which, target: Target, call: CalendarCall, etag: str) -> Written:
    """Return what an earlier try of the same edit did, if it got to its end."""
    new_ids = naming.of_following(which, target.place.calendar.id, etag)
    looked = (sure.look(call, target.place.remote_id, one) for one in new_ids)
    made = next((one for one in looked if isinstance(one, RemoteEvent)), None)
    if made is None:
        return _gone(which, target)
    series = target.series(call)
    ids = copying.take(target.place, Came(events=[made, series]), at=which.asked.at)
    has_new_link = made.conference is not None and made.conference != series.conference
    shown = _text(ids.get(made.event_id))
    return Written(target.place.calendar.id, shown, has_new_link=has_new_link)


def _merging(target: Target, once: Callable[[CalendarCall], T]) -> T:
    """Do it; where somebody was faster between reading and writing, from the beginning."""
    with calling.calendars(target.place.access) as call:
        for _ in range(_TRIES):
            try:
                return once(call)
            except errors.ChangedMeanwhile:
                continue
            except errors.Gone:
                break
    raise Stale


def _or_show(which: Which, target: Target, live: RemoteEvent, check: Callable[[], None]) -> None:
    """Check; if it fails, what is there now is in our rows for whoever has to look."""
    try:
        check()
    except Stale:
        copying.take(target.place, Came(events=_of_its_own(live)), at=which.asked.at)
        raise


def _of_its_own(live: RemoteEvent) -> list[RemoteEvent]:
    # An occurrence as the series says is no row.
    return [] if live.series_id else [live]


def _gone(which: Which, target: Target) -> Written:
    """:raises Stale: after it has been taken out of our rows"""
    if target.is_occurrence:
        raise NoSuchOccurrence
    copying.take(target.place, Came(gone=[target.remote.event_id]), at=which.asked.at)
    raise Stale


def _taken(which: Which, target: Target, came: Came, shown: str | None, reset: int = 0) -> Written:
    copying.take(target.place, came, at=which.asked.at)
    return Written(target.place.calendar.id, shown, reset)


def _text(found: UUID | None) -> str | None:
    return None if found is None else str(found)
