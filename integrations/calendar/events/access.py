"""Which calendar and event a write is for, and whether the actor may write there."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import orjson

from accounts.actors import ActorKind
from integrations.access import calendar_permits, scopes
from integrations.access.request_context import Asked, NotFound
from integrations.calendar import calendar_access, event_codec, refresh_on_read
from integrations.calendar.calendar_access import Visible
from integrations.calendar.event_codec import Remote
from integrations.calendar.event_lookup import EventId, NotCurrent
from integrations.formats.recurrence.series import Start
from integrations.grants import provider_calls
from integrations.models import Calendar, CalendarRole, Event, EventKind
from integrations.providers import PROVIDERS
from integrations.providers.access import Access
from limited_use.access_request import Permit
from limited_use.sinks import provider as own_provider

from .errors import PermissionMissing, ReadOnly

CAPABILITY: Final = "calendar.write"
_WRITABLE: Final = frozenset({CalendarRole.WRITER, CalendarRole.OWNER})


@dataclass(frozen=True, slots=True)
class EventRequest:
    """The actor, and the event or occurrence that they want to write."""

    asked: Asked
    name: EventId


@dataclass(frozen=True, slots=True)
class ProviderCalendar:
    """
    A calendar at a provider, the permit to write in it, and the provider's id of it.

    :param access: the account's credentials; `remote_id` was opened for this account only
    """

    seen: Visible
    permit: Permit
    access: Access
    remote_id: str

    @property
    def calendar(self) -> Calendar:
        return self.seen.calendar


@dataclass(frozen=True, slots=True)
class RemoteTarget:
    """
    The event or occurrence to write, as its provider names it.

    :param remote: the provider's ids of the row
    :param original: the original start of an occurrence that is still as its series says
    :param is_changed_occurrence: whether the row is an occurrence that was changed singly
    """

    place: ProviderCalendar
    remote: Remote
    original: Start | None
    is_changed_occurrence: bool

    @property
    def series_id(self) -> str:
        """The provider's id of the series; of a single event, its own id."""
        return self.remote.series_id or self.remote.event_id

    @property
    def is_occurrence(self) -> bool:
        return self.is_changed_occurrence or self.original is not None


def find_calendar(asked: Asked, calendar_id: UUID) -> Visible:
    """
    Return a calendar that the actor may write in.

    :raises NotFound: if the actor sees no such calendar
    :raises ReadOnly: if it is shared with the actor, or may only be read
    :raises PermissionMissing: if the account did not allow writing
    :raises limited_use.guard.guard.Refused: if the actor is a feature: features write nothing
    """
    return _require_writable(asked, _look_up(asked, [calendar_id]).get(calendar_id))


def find_event(request: EventRequest) -> tuple[Event, Visible]:
    """
    Return an event's row and its calendar.

    :raises NotFound: if the actor sees no such event
    :raises: what `find_calendar` raises
    """
    row = _get_row(request.name)
    found = _look_up(request.asked, [row.calendar_id])
    seen = _require_writable(request.asked, found.get(row.calendar_id))
    return _require_kind(request.name, row), seen


def find_move(request: EventRequest, to: UUID) -> tuple[Event, Visible, Visible]:
    """
    Return an event's row, its calendar, and the calendar that it is to move to.

    :raises: what `find_event` raises of the event and of either calendar
    """
    row = _get_row(request.name)
    found = _look_up(request.asked, [row.calendar_id, to])
    seen = _require_writable(request.asked, found.get(row.calendar_id))
    _require_kind(request.name, row)
    return row, seen, _require_writable(request.asked, found.get(to))


def allows_writing(calendar: Calendar) -> bool:
    """Return whether the account's grant allows writing in a calendar at a provider."""
    connection = calendar.integration.connection
    return CAPABILITY in scopes.usable(PROVIDERS[connection.provider], connection.granted_scopes)


def open_calendar(asked: Asked, seen: Visible, access: Access | None = None) -> ProviderCalendar:
    """
    Return a calendar with the permit to write and the provider's id.

    :param access: credentials of the account that both calendars of a move must belong to
    :raises NoLongerLive: if it was disconnected
    :raises NotCurrent: if the calendar list is too old, and no new one came in time
    :raises limited_use.guard.guard.Refused: if the policy does not allow the write
    """
    if seen.calendar.about is None or not seen.is_known(asked.at):
        refresh_on_read.wait(refresh_on_read.ask([seen], at=asked.at))
        if seen.calendar.about is None:
            raise NotCurrent
    permit = calendar_permits.to_write(actor=asked.actor, calendar=seen.calendar, at=asked.at)
    to = access or provider_calls.access_to(seen.calendar.integration.connection_id)
    [remote_id] = own_provider.picked([seen.calendar.about], permit, _read_id, to=to, at=asked.at)
    return ProviderCalendar(seen, permit, to, remote_id)


def open_target(request: EventRequest, row: Event, seen: Visible) -> RemoteTarget:
    """
    Return an event with the provider's ids, in its opened calendar.

    :raises NotFound: if the row has no id of the provider
    :raises: what `open_calendar` raises
    """
    place = open_calendar(request.asked, seen)
    if row.remote is None:
        raise NotFound
    [remote] = own_provider.picked(
        [row.remote],
        place.permit,
        event_codec.read_remote,
        to=place.access,
        at=request.asked.at,
    )
    return RemoteTarget(place, remote, request.name.original, row.kind == EventKind.CHANGED)


def _look_up(asked: Asked, ids: Collection[UUID]) -> Mapping[UUID, Visible]:
    """Return the calendars that the actor sees, by id: shared ones only if an id is not theirs."""
    found = calendar_access.own(actor=asked.actor, user_id=asked.user_id)
    by_id = {each.calendar.id: each for each in found}
    is_owner = asked.actor.kind == ActorKind.PERSON and asked.actor.user_id == asked.user_id
    if is_owner and not by_id.keys() >= set(ids):
        shared = calendar_access.shared(actor=asked.actor, at=asked.at)
        by_id = {each.calendar.id: each for each in shared} | by_id
    return by_id


def _require_writable(asked: Asked, seen: Visible | None) -> Visible:
    if seen is None:
        raise NotFound
    if asked.actor.kind == ActorKind.CLIENT:
        # The policy refuses features, and the ledger records the refusal.
        calendar_permits.to_write(actor=asked.actor, calendar=seen.calendar, at=asked.at)
    if seen.share is not None or seen.calendar.role not in _WRITABLE:
        raise ReadOnly
    if not seen.calendar.is_local and not allows_writing(seen.calendar):
        raise PermissionMissing
    return seen


def _get_row(name: EventId) -> Event:
    row = Event.objects.filter(id=name.row).exclude(kind=EventKind.CANCELLED).first()
    if row is None:
        raise NotFound
    return row


def _require_kind(name: EventId, row: Event) -> Event:
    """:raises NotFound: if the name is of an occurrence, and the row is no series"""
    if name.original is not None and row.kind != EventKind.SERIES:
        raise NotFound
    return row


def _read_id(about: bytes) -> str:
    return str(orjson.loads(about)["id"])
