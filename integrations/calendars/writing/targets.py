"""Which event or occurrence is meant, as its provider has it now, and what changed of it since."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from integrations.almanac.series import Start, key
from integrations.asking import Asked, NotFound
from integrations.calendars import versions
from integrations.calendars.single import EventId
from integrations.calendars.visible import Visible
from integrations.calling import CalendarCall
from integrations.event_records import Remote
from integrations.event_shapes import EventContent, When
from integrations.models import Event, EventKind
from integrations.providers.calendars import RemoteEvent

from . import places, sure
from .drafts import Edit
from .errors import NoSuchOccurrence, Stale
from .places import There

_TIMES = frozenset({"start", "end"})
# What somebody is invited to. Who else comes, and what is of their own copy alone, is not of it.
_INVITED_TO = frozenset({"title", "description", "location", "when", "recurrence"})


@dataclass(frozen=True, slots=True)
class Which:
    """Who asks, and for which event or occurrence."""

    asked: Asked
    name: EventId


@dataclass(frozen=True, slots=True)
class Target:
    """
    What is meant, at its provider.

    :param remote: what that calls the row's event
    :param occurs: when the occurrence was to be, if one is meant that is as its series says
    :param was_changed: whether it is one that has a row of its own
    """

    place: There
    remote: Remote
    occurs: Start | None
    was_changed: bool

    @property
    def series_id(self) -> str:
        """The provider's id of the series, or of the event where it is none."""
        return self.remote.series_id or self.remote.event_id

    @property
    def is_occurrence(self) -> bool:
        return self.was_changed or self.occurs is not None

    def event_id(self, call: CalendarCall) -> str:
        """Return the provider's id of what is meant."""
        if self.occurs is None:
            return self.remote.event_id
        when = when_of(self.occurs)
        return call(lambda adapter: adapter.instance_id(self.remote.event_id, when))

    def at_provider(self, call: CalendarCall) -> RemoteEvent | None:
        """Return it as the provider has it; None if it is no more."""
        found = sure.look(call, self.place.remote_id, self.event_id(call))
        return found if isinstance(found, RemoteEvent) else None

    def series(self, call: CalendarCall) -> RemoteEvent:
        """
        Return the series of it as the provider has it.

        :raises NoSuchOccurrence: if it is no more
        """
        found = sure.look(call, self.place.remote_id, self.series_id)
        if not isinstance(found, RemoteEvent):
            raise NoSuchOccurrence
        return found


def find(which: Which) -> tuple[Event, Visible]:
    """
    Return the row of what somebody wants to change, and the calendar that it is in.

    :raises NotFound: if there is no such event for the actor
    :raises: what `places.find` raises
    """
    name = which.name
    row = Event.objects.filter(id=name.row).exclude(kind=EventKind.CANCELLED).first()
    if row is None:
        raise NotFound
    seen = places.find(which.asked, row.calendar_id)
    if name.original is not None and row.kind != EventKind.SERIES:
        raise NotFound
    return row, seen


def there(which: Which, row: Event, seen: Visible) -> Target:
    """
    Return it as its provider is asked for it, and the permit to.

    :raises NotFound: if nobody knows what its provider calls it
    :raises: what `places.there` raises
    """
    place = places.there(which.asked, seen)
    known = places.names(which.asked, place, [row])
    if not known:
        raise NotFound
    return Target(place, known[0], which.name.original, row.kind == EventKind.CHANGED)


def original_of(live: RemoteEvent) -> Start:
    """
    Return what an occurrence is known by in its series.

    :raises NoSuchOccurrence: if it is none
    """
    if live.original_start is None:
        raise NoSuchOccurrence
    return key(live.original_start)


def check(etag: str, live: EventContent, wanted: EventContent, edit: Edit) -> None:
    """
    See that nobody else changed what is to be changed; the rest of what they changed stays.

    :raises Stale: if they did, and not to the same
    :raises versions.NoVersion: if `etag` is none that was given
    """
    touched = {"when" if name in _TIMES else name for name in edit}
    same = {
        name
        for name, one, other in zip(
            versions.FIELDS, versions.digests(live), versions.digests(wanted), strict=True
        )
        if one == other
    }
    clashing = (versions.changed_since(etag, live) & touched) - same
    if clashing:
        raise Stale(clashing)


def unchanged(etag: str, live: EventContent) -> None:
    """
    See that it is what somebody saw: they want all of it gone.

    :raises Stale: if it is not
    """
    changed = versions.changed_since(etag, live)
    if changed:
        raise Stale(changed)


def still_that(etag: str, live: EventContent) -> None:
    """
    See that somebody is still invited to what they saw.

    :raises Stale: if they are not
    """
    changed = versions.changed_since(etag, live) & _INVITED_TO
    if changed:
        raise Stale(changed)


def when_of(original: Start) -> When:
    """Return the original start of an occurrence as an adapter is asked by it."""
    if isinstance(original, datetime):
        return When(at=original, zone="UTC")
    return When(day=original)
