"""
Local calendars, which have no provider.

Their events never expire; their key outlives copies of the database.
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
from integrations.access import fences, key_holders, support_consents
from integrations.access.request_context import ObjectNotFound, RequestContext
from integrations.formats import timezones
from integrations.models import LIVE, Calendar, CalendarRole, Event, Integration, RemovalReason
from integrations.web import idempotency
from integrations.web.idempotency import KeyedRequest
from limited_use.agreements import consents, shares
from limited_use.agreements.consents import ConsentMissing
from limited_use.ledger import entries, pseudonyms
from limited_use.policy.feature_registry import FEATURES
from limited_use.vault import data_keys, sealing
from limited_use.vault.sealed import SealedValue

from . import local_connection
from .sync import event_deletion

FEATURE: Final = "local-calendar"
#: More than a person needs.
MAX_CALENDARS: Final = 50
MAX_NAME_LENGTH: Final = 200


class TooManyCalendars(Exception):
    """The person has the maximum number of calendars."""


class CalendarNameMissing(Exception):
    """A calendar needs a name, of at most `MAX_NAME_LENGTH` characters."""


@dataclass(frozen=True, slots=True)
class LocalCalendarProperties:
    """`zone` is an IANA name, `colour` as in `#1a73e8`."""

    name: str
    zone: str
    colour: str = ""


class CalendarChanged(Exception):
    """The properties changed after the version that the actor saw."""


@dataclass(frozen=True, slots=True)
class CreatedCalendar:
    """`is_replayed`: an earlier request created it."""

    calendar_id: UUID
    is_replayed: bool


def create_local_calendar(
    *, actor: Actor, properties: LocalCalendarProperties, version: int, at: datetime
) -> UUID:
    """
    :param version: of the agreement that the actor accepted
    :raises ConsentMissing: for another version than the declared one
    :raises CalendarNameMissing, timezones.UnknownZone, TooManyCalendars:
    """
    owner_ids = _get_person_ids(actor)
    with transaction.atomic(durable=True):
        _lock_membership(*owner_ids)
        return _agree_and_create(owner_ids, properties, version, at).id


def create_local_calendar_once(
    context: RequestContext,
    *,
    properties: LocalCalendarProperties,
    version: int,
    request: KeyedRequest,
) -> CreatedCalendar:
    """
    See `create_local_calendar`.

    :raises idempotency.IdempotencyKeyReused:
    """
    owner_ids = _get_person_ids(context.actor)
    hashes = idempotency.hash_request(context, request)
    with transaction.atomic(durable=True):
        _lock_membership(*owner_ids)
        earlier_id = idempotency.find_result(hashes, at=context.at)
        if earlier_id is not None:
            return CreatedCalendar(earlier_id, is_replayed=True)
        calendar = _agree_and_create(owner_ids, properties, version, context.at)
        # In the same commit, so that a repeated request cannot create a second calendar.
        idempotency.store_result(hashes, calendar.integration, created=calendar.id, at=context.at)
        return CreatedCalendar(calendar.id, is_replayed=False)


def rename_local_calendar(
    *, actor: Actor, calendar_id: UUID, properties: LocalCalendarProperties, etag: str
) -> None:
    """
    :param etag: the version that the actor saw
    :raises ObjectNotFound, CalendarChanged, CalendarNameMissing, timezones.UnknownZone:
    """
    properties = _clean_properties(properties)
    with transaction.atomic(durable=True):
        calendar = _lock_own_calendar(actor, calendar_id, etag)
        calendar.about = _seal_properties(calendar, properties)
        calendar.save(update_fields=["about"])


def remove_local_calendar(*, actor: Actor, calendar_id: UUID, etag: str, at: datetime) -> int:
    """
    Return the number of events. From the commit on, nothing opens, also through a share.

    :param etag: see `rename_local_calendar`; later writes of events do not change it
    :raises ObjectNotFound, CalendarChanged:
    """
    with transaction.atomic(durable=True):
        _lock_integration(actor, calendar_id)
        calendar = _lock_own_calendar(actor, calendar_id, etag)
        ended_key = data_keys.destroy_data_key(holder=calendar.cache_id)
        support_consents.end_event_consents(
            owner_id=calendar.user_id,
            organisation_id=calendar.organisation_id,
            calendar_ids=[calendar.id],
            at=at,
        )
        count = event_deletion.delete_event_rows(
            Event.objects.filter(calendar=calendar),
            integration_id=calendar.integration_id,
            # No provider has it: its owner deletes it here.
            reason=RemovalReason.DELETED_AT_PROVIDER,
            at=at,
            calendar_ids=[calendar.id],
        )
        shares.end_item_shares(items=[calendar.id], at=at)
        name = pseudonyms.get_pseudonym_naming(calendar.integration.connection_id)
        entries.record_ledger_event(
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
    """Two first creations at once would create two connections."""
    members = Membership.objects.live().filter(user_id=person_id, organisation_id=organisation_id)
    if not members.select_for_update(no_key=True).exists():
        raise ObjectNotFound


def _agree_and_create(
    owner_ids: tuple[UUID, UUID], properties: LocalCalendarProperties, version: int, at: datetime
) -> Calendar:
    properties = _clean_properties(properties)
    if version != FEATURES[FEATURE].version:
        raise ConsentMissing(FEATURE)
    person_id, organisation_id = owner_ids
    # Before the consent: a disconnect locks the two in this order.
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
    properties: LocalCalendarProperties,
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


def _seal_properties(calendar: Calendar, properties: LocalCalendarProperties) -> SealedValue:
    sealer = sealing.get_sealer(holder=calendar.cache_id, epoch=calendar.integration.epoch)
    record = {
        "id": "",
        "name": properties.name,
        "zone": properties.zone,
        "colour": properties.colour,
    }
    return sealer.seal_value(Calendar, "about", row=calendar.id, data=orjson.dumps(record))


def _clean_properties(properties: LocalCalendarProperties) -> LocalCalendarProperties:
    name = " ".join(properties.name.split())
    if not name or len(name) > MAX_NAME_LENGTH:
        raise CalendarNameMissing
    return LocalCalendarProperties(name, timezones.get_zone(properties.zone).key, properties.colour)


def _get_person_ids(actor: Actor) -> tuple[UUID, UUID]:
    if actor.kind != ActorKind.PERSON or actor.user_id is None or actor.organisation_id is None:
        raise ObjectNotFound
    return actor.user_id, actor.organisation_id


def _lock_integration(actor: Actor, calendar_id: UUID) -> None:
    """So that no feature begins to read: it would not be told."""
    own_calendars = Calendar.objects.live().owned_by(*_get_person_ids(actor))
    local = own_calendars.filter(id=calendar_id, is_local=True)
    integration_id = local.values_list("integration_id", flat=True).first()
    if integration_id is None:
        raise ObjectNotFound
    try:
        fences.lock_live_integration(integration_id)
    except fences.NotConnectedError:
        raise ObjectNotFound from None


def _lock_own_calendar(actor: Actor, calendar_id: UUID, etag: str) -> Calendar:
    own_calendars = (
        Calendar.objects.live().owned_by(*_get_person_ids(actor)).select_related("integration")
    )
    calendar = (
        own_calendars.filter(id=calendar_id, is_local=True, integration__status__in=LIVE)
        # `remove_local_calendar` deletes the row, which needs the stronger lock.
        .select_for_update(of=("self",))
        .first()
    )
    if calendar is None:
        raise ObjectNotFound
    if calendar.version != etag:
        raise CalendarChanged
    return calendar
