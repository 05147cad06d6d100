"""Whether somebody may write where they want to: found out before anybody is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import orjson

from accounts.actors import ActorKind
from integrations import calendar_permits, calling, event_records, scopes
from integrations.asking import Asked, NotFound
from integrations.calendars import agenda, freshness
from integrations.calendars.single import NotCurrent
from integrations.calendars.visible import Visible
from integrations.event_records import Remote
from integrations.event_shapes import EventContent
from integrations.models import Calendar, CalendarRole, Event
from integrations.providers import PROVIDERS
from integrations.providers.access import Access
from integrations.providers.calendars import Notify
from limited_use.guard import Permit
from limited_use.sinks import provider as own_provider

from .errors import GuestsAreTold, PermissionMissing, ReadOnly

CAPABILITY: Final = "calendar.write"
_WRITABLE: Final = frozenset({CalendarRole.WRITER, CalendarRole.OWNER})


@dataclass(frozen=True, slots=True)
class There:
    """
    A calendar of a provider, the permit to write in it, and the provider's name for it.

    :param access: what the account is called with: the names were opened for it, and for no other
    """

    calendar: Calendar
    permit: Permit
    access: Access
    remote_id: str


def may_tell(place: There, notify: Notify, *events: EventContent) -> None:
    """
    See that nobody is told who was not to be.

    :raises GuestsAreTold: if somebody is invited, and the provider asks nobody whether to tell them
    """
    provider = PROVIDERS[place.calendar.integration.connection.provider]
    if notify == "none" and provider.always_notifies and any(one.attendees for one in events):
        raise GuestsAreTold


def find(asked: Asked, calendar_id: UUID) -> Visible:
    """
    Return a calendar that somebody wants to write in.

    :raises NotFound: if there is none of that id for the actor
    :raises ReadOnly: if it is somebody else's, or may only be read
    :raises PermissionMissing: if the account did not allow writing
    :raises limited_use.guard.Refused: if whoever asks is a feature: those write nothing
    """
    found = next((one for one in agenda.everything(asked) if one.calendar.id == calendar_id), None)
    if found is None:
        raise NotFound
    if asked.actor.kind == ActorKind.CLIENT:
        # The policy says no, and the ledger that it was asked.
        calendar_permits.to_write(actor=asked.actor, calendar=found.calendar, at=asked.at)
    if found.share is not None or found.calendar.role not in _WRITABLE:
        raise ReadOnly
    if not found.calendar.is_local and not may_write(found.calendar):
        raise PermissionMissing
    return found


def may_write(calendar: Calendar) -> bool:
    """Return whether what was granted is enough to write in a calendar of a provider."""
    connection = calendar.integration.connection
    return CAPABILITY in scopes.usable(PROVIDERS[connection.provider], connection.granted_scopes)


def there(asked: Asked, seen: Visible, access: Access | None = None) -> There:
    """
    Return what it takes to write in a calendar of a provider.

    :param access: of who else is written to in the same go: of another account it is refused
    :raises NoLongerLive: if it was disconnected
    :raises NotCurrent: if its list is too old, and none came in time
    :raises limited_use.guard.Refused: if the policy does not allow it
    """
    if seen.calendar.about is None or not seen.is_known(asked.at):
        freshness.wait(freshness.ask([seen], at=asked.at))
        if seen.calendar.about is None:
            raise NotCurrent
    permit = calendar_permits.to_write(actor=asked.actor, calendar=seen.calendar, at=asked.at)
    to = access or calling.access_to(seen.calendar.integration.connection_id)
    [remote_id] = own_provider.picked([seen.calendar.about], permit, _name, to=to, at=asked.at)
    return There(seen.calendar, permit, to, remote_id)


def names(asked: Asked, place: There, events: Sequence[Event]) -> list[Remote]:
    """Return what a provider calls some of its events."""
    sealed = [one.remote for one in events if one.remote is not None]
    return own_provider.picked(
        sealed, place.permit, event_records.read_remote, to=place.access, at=asked.at
    )


def _name(about: bytes) -> str:
    return str(orjson.loads(about)["id"])
