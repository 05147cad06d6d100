"""
Calendars that live here and in no provider: made, renamed, removed, by their owner.

They are calendars like any other to whoever looks: the same rows, seals, shares and purge. What
is in them exists nowhere else, so it is never a copy, and its key outlives copies of the database.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import orjson
from django.db import transaction

from accounts.actors import Actor, ActorKind
from accounts.ids import uuid7
from accounts.models import Membership
from integrations import holders, zones
from integrations.asking import NotFound
from integrations.models import (
    LIVE,
    Calendar,
    CalendarRole,
    Connection,
    Event,
    Integration,
    IntegrationStatus,
)
from integrations.providers.offline import OFFLINE
from limited_use import consents, shares
from limited_use.features import FEATURES
from limited_use.ledger import entries, names
from limited_use.ledger import keys as ledger_keys
from limited_use.vault import keys, sealing
from limited_use.vault.lines import KeyLine
from limited_use.vault.sealed import Sealed

FEATURE: Final = "calendar"
#: More than anybody keeps apart.
MOST: Final = 50
LONGEST_NAME: Final = 200


class NotAgreed(Exception):
    """They did not agree to what the calendar is as it reads now. Show it, and let them."""


class TooManyCalendars(Exception):
    """They have as many as there can be. Remove one first."""


class NoName(Exception):
    """A calendar has a name, of at most `LONGEST_NAME` characters."""


@dataclass(frozen=True, slots=True)
class About:
    """What its owner says of a calendar. `zone` is an IANA name, `colour` as in `#1a73e8`."""

    name: str
    zone: str
    colour: str = ""


def create(*, actor: Actor, about: About, version: int, at: datetime) -> UUID:
    """
    Make a calendar, and return its id.

    :param version: of the words of the calendar that they agreed to
    :raises NotAgreed: if that is not what is declared now
    :raises NoName: if it has none
    :raises zones.UnknownZone: if nobody knows the zone
    :raises TooManyCalendars: if they have `MOST`
    """
    person_id, organisation_id = _person(actor)
    about = _checked(about)
    if version != FEATURES[FEATURE].version:
        raise NotAgreed
    with transaction.atomic(durable=True):
        # One at a time, so that the first two do not make two homes.
        members = Membership.objects.live().filter(
            user_id=person_id, organisation_id=organisation_id
        )
        if not members.select_for_update().exists():
            raise NotFound
        consents.give(
            person_id=person_id,
            organisation_id=organisation_id,
            feature=FEATURE,
            version=version,
            at=at,
        )
        integration = _home(person_id, organisation_id, at)
        if Calendar.objects.filter(integration=integration).count() >= MOST:
            raise TooManyCalendars
        return _add(integration, person_id, organisation_id, about, at).id


def rename(*, actor: Actor, calendar_id: UUID, about: About) -> None:
    """
    Say what a calendar is called from now on.

    :raises NotFound: if there is no such calendar of theirs that lives here
    :raises NoName: if it would have none
    :raises zones.UnknownZone: if nobody knows the zone
    """
    about = _checked(about)
    with transaction.atomic(durable=True):
        calendar = _mine(actor, calendar_id)
        calendar.about = _sealed(calendar, about)
        calendar.save(update_fields=["about"])


def remove(*, actor: Actor, calendar_id: UUID, at: datetime) -> int:
    """
    Remove a calendar with all that is in it, at once and for good; return how many events.

    From the commit on nothing of it opens, whoever it was shared with.

    :raises NotFound: if there is no such calendar of theirs that lives here
    """
    with transaction.atomic(durable=True):
        calendar = _mine(actor, calendar_id)
        gone = keys.end(holder=calendar.cache_id)
        count, _ = Event.objects.filter(calendar=calendar).delete()
        shares.lapse(items=[calendar.id], at=at)
        name = names.of(calendar.integration.connection_id)
        entries.record(
            event="calendar.removed",
            about=calendar.integration_id,
            body={"events": count},
            at=at,
            name=name,
        )
        if gone is not None:
            holders.record_end(gone, about=calendar.integration_id, name=name, at=at)
        calendar.delete()
    return count


def _home(person_id: UUID, organisation_id: UUID, at: datetime) -> Integration:
    """Return what their calendars here belong to, made with the first of them."""
    live = Integration.objects.live().owned_by(person_id, organisation_id)
    held = live.filter(connection__provider=OFFLINE.key).select_for_update(of=("self",)).first()
    if held is not None:
        return held
    connection = Connection.objects.create(
        id=uuid7(),
        user_id=person_id,
        organisation_id=organisation_id,
        provider=OFFLINE.key,
        connected_at=at,
    )
    ledger_keys.create(holder=connection.id, at=at)
    integration = Integration.objects.create(
        id=uuid7(),
        connection=connection,
        product="calendar",
        status=IntegrationStatus.ACTIVE,
        horizon_days=None,
        status_since=at,
        switched_on_at=at,
    )
    keys.create(holder=integration.id, line=KeyLine.CONTENT, at=at, epoch=integration.epoch)
    entries.record(
        event="integration.connected",
        about=integration.id,
        body={"product": "calendar", "horizon_days": None},
        at=at,
        name=names.of(connection.id),
    )
    return integration


def _add(
    integration: Integration, person_id: UUID, organisation_id: UUID, about: About, at: datetime
) -> Calendar:
    calendar = Calendar(
        id=uuid7(),
        integration=integration,
        user_id=person_id,
        organisation_id=organisation_id,
        role=CalendarRole.OWNER,
        is_local=True,
        added_at=at,
        asked_at=at,
        listed_at=at,
    )
    own = sealing.sealer(holder=integration.id, epoch=integration.epoch)
    calendar.remote_blind = own.blind("calendar", str(calendar.id))
    holders.begin_copy(calendar, epoch=integration.epoch, at=at)
    calendar.about = _sealed(calendar, about)
    calendar.save(force_insert=True)
    return calendar


def _sealed(calendar: Calendar, about: About) -> Sealed:
    sealer = sealing.sealer(holder=calendar.cache_id, epoch=calendar.integration.epoch)
    record = {"id": "", "name": about.name, "zone": about.zone, "colour": about.colour}
    return sealer.seal(Calendar, "about", row=calendar.id, data=orjson.dumps(record))


def _checked(about: About) -> About:
    name = " ".join(about.name.split())
    if not name or len(name) > LONGEST_NAME:
        raise NoName
    return About(name, zones.zone(about.zone).key, about.colour)


def _person(actor: Actor) -> tuple[UUID, UUID]:
    if actor.kind != ActorKind.PERSON or actor.user_id is None or actor.organisation_id is None:
        raise NotFound
    return actor.user_id, actor.organisation_id


def _mine(actor: Actor, calendar_id: UUID) -> Calendar:
    mine = Calendar.objects.live().owned_by(*_person(actor)).select_related("integration")
    found = (
        mine.filter(id=calendar_id, is_local=True, integration__status__in=LIVE)
        .select_for_update(of=("self",))
        .first()
    )
    if found is None:
        raise NotFound
    return found
