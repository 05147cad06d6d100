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
from integrations.access.request_context import ObjectNotFound, RequestContext
from integrations.formats import timezones
from integrations.models import LIVE, Calendar, CalendarRole, Event, Integration
from integrations.web import idempotency
from integrations.web.idempotency import KeyedRequest
from limited_use.agreements import consents, shares
from limited_use.agreements.consents import ConsentMissing
from limited_use.ledger import entries, pseudonyms
from limited_use.policy.features import FEATURES
from limited_use.vault import keys, sealing
from limited_use.vault.sealed import SealedValue

from . import local_connection

FEATURE: Final = "local-calendar"
#: More than anybody keeps apart.
MAX_CALENDARS: Final = 50
MAX_NAME_LENGTH: Final = 200


class TooManyCalendars(Exception):
    """They have as many as there can be. Remove one first."""


class CalendarNameMissing(Exception):
    """A calendar has a name, of at most `LONGEST_NAME` characters."""


@dataclass(frozen=True, slots=True)
class CalendarProperties:
    """What its owner says of a calendar. `zone` is an IANA name, `colour` as in `#1a73e8`."""

    name: str
    zone: str
    colour: str = ""


class CalendarChanged(Exception):
    """It is not called what they saw any more. Read it again, and decide anew."""


@dataclass(frozen=True, slots=True)
class CreatedCalendar:
    """A calendar that was asked for; `is_replayed`: that an earlier request made it."""

    calendar_id: UUID
    is_replayed: bool


def create_calendar(
    *, actor: Actor, properties: CalendarProperties, version: int, at: datetime
) -> UUID:
    """
    Make a calendar, and return its id.

    :param version: of the words of the calendar that they agreed to
    :raises NotAgreed: if that is not the declared version
    :raises NoName: if it has none
    :raises zones.UnknownZone: if nobody knows the zone
    :raises TooManyCalendars: if they have `MOST`
    """
    owner_ids = _get_person_ids(actor)
    with transaction.atomic(durable=True):
        _lock_membership(*owner_ids)
        return _agree_and_create(owner_ids, properties, version, at).id


def create_calendar_once(
    context: RequestContext, *, properties: CalendarProperties, version: int, request: KeyedRequest
) -> CreatedCalendar:
    """
    Create a calendar, or find the one that the same request created before.

    :raises idempotency.OtherBody: if the key came with another request
    :raises: what `create` raises
    """
    owner_ids = _get_person_ids(context.actor)
    hashes = idempotency.hash_request(context, request)
    with transaction.atomic(durable=True):
        _lock_membership(*owner_ids)
        earlier_id = idempotency.find_result(hashes, at=context.at)
        if earlier_id is not None:
            return CreatedCalendar(earlier_id, is_replayed=True)
        calendar = _agree_and_create(owner_ids, properties, version, context.at)
        # In the same commit: no calendar exists whose request could be repeated.
        idempotency.store_result(hashes, calendar.integration, created=calendar.id, at=context.at)
        return CreatedCalendar(calendar.id, is_replayed=False)


def rename_calendar(
    *, actor: Actor, calendar_id: UUID, properties: CalendarProperties, etag: str
) -> None:
    """
    Say what a calendar is called from now on.

    :param etag: the version that they saw
    :raises NotFound: if there is no such calendar of theirs that lives here
    :raises Changed: if it is not what they saw
    :raises NoName: if it would have none
    :raises zones.UnknownZone: if nobody knows the zone
    """
    properties = _clean_properties(properties)
    with transaction.atomic(durable=True):
        calendar = _lock_own_calendar(actor, calendar_id, etag)
        calendar.about = _seal_properties(calendar, properties)
        calendar.save(update_fields=["about"])


def remove_calendar(*, actor: Actor, calendar_id: UUID, etag: str, at: datetime) -> int:
    """
    Remove a calendar with all that is in it, at once and for good; return how many events.

    From the commit on nothing of it opens, whoever it was shared with.

    :param etag: see `rename`; of events that were written since it says nothing
    :raises NotFound: if there is no such calendar of theirs that lives here
    :raises Changed: if it is not what they saw
    """
    with transaction.atomic(durable=True):
        calendar = _lock_own_calendar(actor, calendar_id, etag)
        ended_key = keys.destroy_key(holder=calendar.cache_id)
        count, _ = Event.objects.filter(calendar=calendar).delete()
        shares.end_item_shares(items=[calendar.id], at=at)
        name = pseudonyms.get_naming(calendar.integration.connection_id)
        entries.record_event(
            event="calendar.removed",
            about=calendar.integration_id,
            body={"events": count},
            at=at,
            naming=name,
        )
        if ended_key is not None:
            key_holders.record_key_deletion(
                ended_key, about=calendar.integration_id, name=name, at=at
            )
        calendar.delete()
    return count


def _lock_membership(person_id: UUID, organisation_id: UUID) -> None:
    """Let nobody else begin a calendar of theirs: the first two would make two homes."""
    members = Membership.objects.live().filter(user_id=person_id, organisation_id=organisation_id)
    if not members.select_for_update(no_key=True).exists():
        raise ObjectNotFound


def _agree_and_create(
    owner_ids: tuple[UUID, UUID], properties: CalendarProperties, version: int, at: datetime
) -> Calendar:
    """:raises: what `create` raises"""
    properties = _clean_properties(properties)
    if version != FEATURES[FEATURE].version:
        raise ConsentMissing(FEATURE)
    person_id, organisation_id = owner_ids
    # Before the agreement, as whoever disconnects locks the two.
    integration = local_connection.get_or_create_integration(person_id, organisation_id, at)
    consents.give(
        person_id=person_id,
        organisation_id=organisation_id,
        feature=FEATURE,
        version=version,
        at=at,
    )
    if Calendar.objects.filter(integration=integration).count() >= MAX_CALENDARS:
        raise TooManyCalendars
    return _insert_calendar(integration, person_id, organisation_id, properties, at)


def _insert_calendar(
    integration: Integration,
    person_id: UUID,
    organisation_id: UUID,
    properties: CalendarProperties,
    at: datetime,
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
    integration_sealer = sealing.get_sealer(holder=integration.id, epoch=integration.epoch)
    calendar.remote_blind = integration_sealer.compute_blind("calendar", str(calendar.id))
    key_holders.ensure_cache_key(calendar, epoch=integration.epoch, at=at)
    calendar.about = _seal_properties(calendar, properties)
    calendar.save(force_insert=True)
    return calendar


def _seal_properties(calendar: Calendar, properties: CalendarProperties) -> SealedValue:
    sealer = sealing.get_sealer(holder=calendar.cache_id, epoch=calendar.integration.epoch)
    record = {
        "id": "",
        "name": properties.name,
        "zone": properties.zone,
        "colour": properties.colour,
    }
    return sealer.seal_value(Calendar, "about", row=calendar.id, data=orjson.dumps(record))


def _clean_properties(properties: CalendarProperties) -> CalendarProperties:
    name = " ".join(properties.name.split())
    if not name or len(name) > MAX_NAME_LENGTH:
        raise CalendarNameMissing
    return CalendarProperties(name, timezones.get_zone(properties.zone).key, properties.colour)


def _get_person_ids(actor: Actor) -> tuple[UUID, UUID]:
    if actor.kind != ActorKind.PERSON or actor.user_id is None or actor.organisation_id is None:
        raise ObjectNotFound
    return actor.user_id, actor.organisation_id


def _lock_own_calendar(actor: Actor, calendar_id: UUID, etag: str) -> Calendar:
    own_calendars = (
        Calendar.objects.live().owned_by(*_get_person_ids(actor)).select_related("integration")
    )
    calendar = (
        own_calendars.filter(id=calendar_id, is_local=True, integration__status__in=LIVE)
        # `remove` deletes it, which takes the stronger lock.
        .select_for_update(of=("self",))
        .first()
    )
    if calendar is None:
        raise ObjectNotFound
    if calendar.version != etag:
        raise CalendarChanged
    return calendar
