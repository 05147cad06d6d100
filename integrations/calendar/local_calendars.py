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
from integrations.access import key_holders
from integrations.access.request_context import Asked, NotFound
from integrations.formats import timezones
from integrations.models import LIVE, Calendar, CalendarRole, Event, Integration
from integrations.web import idempotency
from integrations.web.idempotency import KeyedRequest
from limited_use.agreements import consents, shares
from limited_use.agreements.consents import NotAgreed
from limited_use.ledger import entries, pseudonyms
from limited_use.policy.features import FEATURES
from limited_use.vault import keys, sealing
from limited_use.vault.sealed import Sealed

from . import local_connection

FEATURE: Final = "local-calendar"
#: More than anybody keeps apart.
MOST: Final = 50
LONGEST_NAME: Final = 200


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


class Changed(Exception):
    """It is not called what they saw any more. Read it again, and decide anew."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A calendar that was asked for; `is_replayed`: that an earlier request made it."""

    calendar_id: UUID
    is_replayed: bool


def create(*, actor: Actor, about: About, version: int, at: datetime) -> UUID:
    """
    Make a calendar, and return its id.

    :param version: of the words of the calendar that they agreed to
    :raises NotAgreed: if that is not the declared version
    :raises NoName: if it has none
    :raises zones.UnknownZone: if nobody knows the zone
    :raises TooManyCalendars: if they have `MOST`
    """
    whose = _person(actor)
    with transaction.atomic(durable=True):
        _one_at_a_time(*whose)
        return _begin(whose, about, version, at).id


def create_once(asked: Asked, *, about: About, version: int, request: KeyedRequest) -> Begun:
    """
    Create a calendar, or find the one that the same request created before.

    :raises idempotency.OtherBody: if the key came with another request
    :raises: what `create` raises
    """
    whose = _person(asked.actor)
    hashes = idempotency.hash_request(asked, request)
    with transaction.atomic(durable=True):
        _one_at_a_time(*whose)
        before = idempotency.find_result(hashes, at=asked.at)
        if before is not None:
            return Begun(before, is_replayed=True)
        calendar = _begin(whose, about, version, asked.at)
        # In the same commit: no calendar exists whose request could be repeated.
        idempotency.store_result(hashes, calendar.integration, created=calendar.id, at=asked.at)
        return Begun(calendar.id, is_replayed=False)


def rename(*, actor: Actor, calendar_id: UUID, about: About, etag: str) -> None:
    """
    Say what a calendar is called from now on.

    :param etag: the version that they saw
    :raises NotFound: if there is no such calendar of theirs that lives here
    :raises Changed: if it is not what they saw
    :raises NoName: if it would have none
    :raises zones.UnknownZone: if nobody knows the zone
    """
    about = _checked(about)
    with transaction.atomic(durable=True):
        calendar = _mine(actor, calendar_id, etag)
        calendar.about = _sealed(calendar, about)
        calendar.save(update_fields=["about"])


def remove(*, actor: Actor, calendar_id: UUID, etag: str, at: datetime) -> int:
    """
    Remove a calendar with all that is in it, at once and for good; return how many events.

    From the commit on nothing of it opens, whoever it was shared with.

    :param etag: see `rename`; of events that were written since it says nothing
    :raises NotFound: if there is no such calendar of theirs that lives here
    :raises Changed: if it is not what they saw
    """
    with transaction.atomic(durable=True):
        calendar = _mine(actor, calendar_id, etag)
        gone = keys.end(holder=calendar.cache_id)
        count, _ = Event.objects.filter(calendar=calendar).delete()
        shares.lapse(items=[calendar.id], at=at)
        name = pseudonyms.of(calendar.integration.connection_id)
        entries.record(
            event="calendar.removed",
            about=calendar.integration_id,
            body={"events": count},
            at=at,
            name=name,
        )
        if gone is not None:
            key_holders.record_end(gone, about=calendar.integration_id, name=name, at=at)
        calendar.delete()
    return count


def _one_at_a_time(person_id: UUID, organisation_id: UUID) -> None:
    """Let nobody else begin a calendar of theirs: the first two would make two homes."""
    members = Membership.objects.live().filter(user_id=person_id, organisation_id=organisation_id)
    if not members.select_for_update(no_key=True).exists():
        raise NotFound


def _begin(whose: tuple[UUID, UUID], about: About, version: int, at: datetime) -> Calendar:
    """:raises: what `create` raises"""
    about = _checked(about)
    if version != FEATURES[FEATURE].version:
        raise NotAgreed(FEATURE)
    person_id, organisation_id = whose
    # Before the agreement, as whoever disconnects locks the two.
    integration = local_connection.of(person_id, organisation_id, at)
    consents.give(
        person_id=person_id,
        organisation_id=organisation_id,
        feature=FEATURE,
        version=version,
        at=at,
    )
    if Calendar.objects.filter(integration=integration).count() >= MOST:
        raise TooManyCalendars
    return _add(integration, person_id, organisation_id, about, at)


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
    key_holders.begin_copy(calendar, epoch=integration.epoch, at=at)
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
    return About(name, timezones.zone(about.zone).key, about.colour)


def _person(actor: Actor) -> tuple[UUID, UUID]:
    if actor.kind != ActorKind.PERSON or actor.user_id is None or actor.organisation_id is None:
        raise NotFound
    return actor.user_id, actor.organisation_id


def _mine(actor: Actor, calendar_id: UUID, etag: str) -> Calendar:
    mine = Calendar.objects.live().owned_by(*_person(actor)).select_related("integration")
    found = (
        mine.filter(id=calendar_id, is_local=True, integration__status__in=LIVE)
        # `remove` deletes it, which takes the stronger lock.
        .select_for_update(of=("self",))
        .first()
    )
    if found is None:
        raise NotFound
    if found.version != etag:
        raise Changed
    return found
