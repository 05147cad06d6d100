"""
Consents of owners to show support one item, a message or an event, for a limited time.

The consent alone is stored. The products find and show the items.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from accounts import row_owner
from accounts.actors import Actor
from accounts.models import Membership, Organisation
from integrations.models import LIVE, Event, EventKind, ItemKind, Message
from limited_use.agreements import consents
from limited_use.models import Consent
from limited_use.policy.feature_registry import FEATURES
from limited_use.policy.policy_vocabulary import Purpose, Recipient

from .request_context import InvalidChoice, get_owner_ids
from .support_permits import SUPPORT, match_reader

# The owner's choices of hours.
HOURS: Final = (1, 24, 72)
MOST_LISTED: Final = 200


@dataclass(frozen=True, slots=True)
class OpenItem:
    """An item has no content before it is read."""

    id: UUID
    kind: ItemKind
    until: datetime
    organisation: str


def give(  # noqa: PLR0913 - whose item, for how long, by which text
    *,
    owner_id: UUID,
    organisation_id: UUID,
    item_id: UUID,
    hours: int,
    version: int,
    at: datetime,
    reader_id: UUID | None = None,
) -> Consent:
    """
    :param item_id: of the owner, as found in the database
    :param version: of the accepted text
    :param reader_id: the only agent who may read the item; None: any agent
    :raises InvalidChoice: if `hours` is not one of `HOURS`
    :raises consents.DeclarationOutdated: if the text has changed since
    """
    if hours not in HOURS:
        raise InvalidChoice
    with transaction.atomic(durable=True):
        return consents.give(
            person_id=owner_id,
            organisation_id=organisation_id,
            feature=SUPPORT,
            version=version,
            purpose=Purpose.SUPPORT_ITEM,
            recipient=Recipient.SUPPORT_AGENT,
            item=item_id,
            reader_id=reader_id,
            expires_at=at + timedelta(hours=hours),
            at=at,
        )


def withdraw(*, owner_id: UUID, organisation_id: UUID, item_id: UUID, at: datetime) -> bool:
    """Return whether the item was open."""
    with transaction.atomic(durable=True):
        return consents.withdraw(
            person_id=owner_id,
            organisation_id=organisation_id,
            feature=SUPPORT,
            item=item_id,
            at=at,
        )


def end_event_consents(
    *, owner_id: UUID, organisation_id: UUID, calendar_ids: Collection[UUID], at: datetime
) -> None:
    """
    End the consents to events of these calendars, before their rows are deleted.

    Call it inside the transaction that deletes them.
    """
    open_items = Consent.objects.filter(
        owner_id=owner_id, organisation_id=organisation_id, feature=SUPPORT, withdrawn_at=None
    ).exclude(item=None)
    item_ids = [item for item in open_items.values_list("item", flat=True) if item is not None]
    if not item_ids:
        return
    events = Event.objects.filter(id__in=item_ids, calendar_id__in=calendar_ids)
    ended_ids = list(events.values_list("id", flat=True))
    if ended_ids:
        consents.end_feature_consents(
            owner_id=owner_id,
            organisation_id=organisation_id,
            feature=SUPPORT,
            items=ended_ids,
            at=at,
        )


def get_end_times(
    *, actor: Actor, item_ids: Iterable[UUID], at: datetime
) -> Mapping[UUID, datetime]:
    """Return when support's access to each open item ends."""
    owner_id, organisation_id = get_owner_ids(actor)
    open_consents = _filter_open(at).filter(
        owner_id=owner_id, organisation_id=organisation_id, item__in=list(item_ids)
    )
    end_times = open_consents.values_list("item", "expires_at")
    return {item: ends for item, ends in end_times if item is not None and ends is not None}


def list_open_items(*, actor: Actor, at: datetime) -> list[OpenItem]:
    """Return what a support agent may ask for, with the soonest end first."""
    agent_id, _ = get_owner_ids(actor)
    open_consents = list(_filter_readable(agent_id, at).order_by("expires_at", "id")[:MOST_LISTED])
    kinds = _find_kinds(open_consents)
    organisation_ids = {consent.organisation_id for consent in open_consents}
    names = dict(Organisation.objects.filter(id__in=organisation_ids).values_list("id", "name"))
    return [
        OpenItem(
            consent.item,
            kinds[consent.item],
            consent.expires_at,
            names.get(consent.organisation_id, ""),
        )
        for consent in open_consents
        if consent.item in kinds and consent.item is not None and consent.expires_at is not None
    ]


def find_open_items(*, actor: Actor, item_ids: Collection[UUID], at: datetime) -> frozenset[UUID]:
    """Return those of the items that the agent can read now."""
    if not item_ids:
        return frozenset()
    agent_id, _ = get_owner_ids(actor)
    open_consents = _filter_readable(agent_id, at).filter(item__in=item_ids)
    return frozenset(_find_kinds(open_consents))


def find_own_open_items(
    *, owner_id: UUID, item_ids: Collection[UUID], at: datetime
) -> dict[UUID, UUID]:
    """
    Return those of the owner's items that support can read now, each with its organisation.

    The owner may act in another organisation than that of the item.
    """
    if not item_ids:
        return {}
    memberships = Membership.objects.live().of(owner_id)
    open_items: dict[UUID, UUID] = {}
    for organisation_id in memberships.values_list("organisation_id", flat=True):
        with row_owner.acting_for(owner_id, organisation_id):
            open_consents = _filter_open(at).filter(
                owner_id=owner_id, organisation_id=organisation_id, item__in=item_ids
            )
            open_ids = [consent.item for consent in open_consents if consent.item is not None]
            kinds = find_item_kinds(owner_id, organisation_id, item_ids=open_ids)
        open_items |= dict.fromkeys(kinds, organisation_id)
    return open_items


def find_item_kinds(
    owner_id: UUID, organisation_id: UUID, *, item_ids: Collection[UUID]
) -> dict[UUID, ItemKind]:
    """Leave out items that no longer exist, or that are no longer visible to anyone."""
    if not item_ids:
        return {}
    messages = Message.objects.filter(integration__status__in=LIVE)
    events = Event.objects.filter(
        calendar__gone_at=None, calendar__integration__status__in=LIVE
    ).exclude(kind=EventKind.CANCELLED)
    kinds: dict[UUID, ItemKind] = {}
    rows_by_kind: tuple[tuple[ItemKind, QuerySet[Message] | QuerySet[Event]], ...] = (
        (ItemKind.MESSAGE, messages),
        (ItemKind.EVENT, events),
    )
    for kind, rows in rows_by_kind:
        own = rows.filter(id__in=item_ids, user_id=owner_id, organisation_id=organisation_id)
        kinds |= dict.fromkeys(own.values_list("id", flat=True), kind)
    return kinds


def _find_kinds(open_consents: Iterable[Consent]) -> dict[UUID, ItemKind]:
    """Return the existing items of these consents, which can have different owners."""
    item_ids: dict[tuple[UUID, UUID], list[UUID]] = {}
    for consent in open_consents:
        if consent.item is not None:
            owner = (consent.owner_id, consent.organisation_id)
            item_ids.setdefault(owner, []).append(consent.item)
    kinds: dict[UUID, ItemKind] = {}
    for owner, owned_ids in item_ids.items():
        with row_owner.acting_for(*owner):
            kinds |= find_item_kinds(*owner, item_ids=owned_ids)
    return kinds


def _filter_readable(agent_id: UUID, at: datetime) -> QuerySet[Consent]:
    return _filter_open(at).filter(match_reader(agent_id)).exclude(owner_id=agent_id)


def _filter_open(at: datetime) -> QuerySet[Consent]:
    return Consent.objects.filter(
        feature=SUPPORT,
        version=FEATURES[SUPPORT].version,
        item__isnull=False,
        withdrawn_at=None,
        given_at__lte=at,
        expires_at__gt=at,
    )
