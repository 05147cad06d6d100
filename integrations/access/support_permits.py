"""
Permits to show one item to support, a message or an event that its owner opened, and to find a
person.

As in `permits`, an unknown or foreign item has no facts: it is refused and recorded.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import F, Q

from accounts import row_owner
from accounts.actors import Actor
from accounts.models import User
from accounts.roles import Role
from integrations.models import Calendar, Event, EventKind, Message
from limited_use.access_request import AccessRequest, Permit
from limited_use.agreements import consents
from limited_use.guard import guard
from limited_use.models import Consent
from limited_use.policy.policy_vocabulary import DataClass, Fact, Purpose, Recipient, Use
from limited_use.vault import blind_index

from . import facts, scopes
from .facts import HolderFacts
from .permits import Permits
from .request_context import get_owner_ids

#: The feature that owners agree to, one item at a time.
SUPPORT: Final = "support"
_MAIL: Final = (DataClass.MAIL_METADATA, DataClass.MAIL_CONTENT)
_CALENDAR: Final = (DataClass.CALENDAR_EVENT, DataClass.CALENDAR_FREEBUSY)
# The columns of a calendar that a process of staff may read.
_CALENDAR_COLUMNS: Final = (
    "id", "integration_id", "cache_id", "user_id", "organisation_id", "is_local", "gone_at",
    "cached_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Item:
    """
    :param owner_ids: the person and the organisation of the item's row; None: there is no such
        item
    :param holder: of the key that seals the item
    """

    id: UUID
    owner_ids: tuple[UUID, UUID] | None
    holder: UUID
    integration_id: UUID


def to_show_message(*, actor: Actor, message_id: UUID, at: datetime) -> Permits:
    """
    Call it within `acting_for_item_owner`; outside of it support sees no rows of the owner.

    :raises guard.AccessRefused: unless the owner's consent to this message is live, and the actor
        is another person with the support role
    """
    message_rows = Message.objects.filter(id=message_id).values_list(
        "integration_id", "user_id", "organisation_id"
    )
    integration_id, *owner_ids = message_rows.first() or (message_id,)
    item = _Item(
        message_id,
        (owner_ids[0], owner_ids[1]) if owner_ids else None,
        integration_id,
        integration_id,
    )
    holder_facts = _find_facts(item, actor, at)
    return _get_permits(_build_requests(item, holder_facts, _MAIL, actor=actor, at=at), at=at)


def to_show_event(*, actor: Actor, event_id: UUID, at: datetime) -> Permits:
    """
    See `to_show_message`. The copy of a provider's calendar has to be recent enough, too.

    A cancelled occurrence has no content, so it is as unknown.
    """
    calendar = _find_calendar(event_id)
    if calendar is None:
        item = _Item(event_id, None, event_id, event_id)
        holder_facts = _find_facts(item, actor, at)
    else:
        owner_ids = (calendar.user_id, calendar.organisation_id)
        item = _Item(event_id, owner_ids, calendar.cache_id, calendar.integration_id)
        holder_facts = _add_cache_age(_find_facts(item, actor, at), calendar, at)
    return _get_permits(_build_requests(item, holder_facts, _CALENDAR, actor=actor, at=at), at=at)


def to_find_person(*, actor: Actor, search_id: UUID, is_within_bound: bool, at: datetime) -> Permit:
    """
    The permit hashes an address that the agent typed. Its ledger entry is about the search: the
    person is not known before.

    :raises guard.AccessRefused:
    """
    true_facts = {Fact.LOOKUPS_WITHIN_BOUND} if is_within_bound else set()
    if _is_support(actor):
        true_facts.add(Fact.AGENT_IS_SUPPORT)
    request = AccessRequest(
        use=blind_index.SUPPORT_USE,
        holder=blind_index.LOOKUP_HOLDER,
        epoch=0,
        actor=actor,
        on_behalf_of=None,
        facts=frozenset(true_facts),
        about=search_id,
    )
    return guard.permit(request, at=at)


@contextmanager
def acting_for_item_owner(item_id: UUID, *, actor: Actor, at: datetime) -> Generator[None]:
    """
    Act for the owner who opened this item to support, or to this agent of support alone.

    The database shows these consents to support while they are live. `to_show_message` and
    `to_show_event` check the rest.
    """
    agent_id, _ = get_owner_ids(actor)
    item_consents = Consent.objects.filter(
        match_reader(agent_id), feature=SUPPORT, item=item_id, withdrawn_at=None, expires_at__gt=at
    )
    owner = item_consents.order_by("-id").values_list("owner_id", "organisation_id").first()
    with row_owner.acting_for(*owner) if owner else nullcontext():
        yield


def match_reader(agent_id: UUID) -> Q:
    """Match the consents to items that this agent may read."""
    return Q(reader_id=None) | Q(reader_id=agent_id)


def _find_calendar(event_id: UUID) -> Calendar | None:
    events = Event.objects.filter(
        id=event_id,
        # An event row can name another person's calendar. Such a row is not shown.
        user_id=F("calendar__user_id"),
        organisation_id=F("calendar__organisation_id"),
    ).exclude(kind=EventKind.CANCELLED)
    calendars = Calendar.objects.filter(id__in=events.values("calendar_id"))
    return calendars.only(*_CALENDAR_COLUMNS).first()


def _find_facts(item: _Item, actor: Actor, at: datetime) -> HolderFacts:
    return facts.for_integrations([item.integration_id], actor=actor, at=at)[item.integration_id]


def _add_cache_age(holder_facts: HolderFacts, calendar: Calendar, at: datetime) -> HolderFacts:
    hours = scopes.get_cache_hours(holder_facts.product, holder_facts.cache_hours)
    if not calendar.is_current(hours=hours, at=at):
        return holder_facts
    return replace(holder_facts, facts=holder_facts.facts | {Fact.CACHE_CURRENT})


def _build_requests(
    item: _Item,
    holder_facts: HolderFacts,
    data_classes: Sequence[DataClass],
    *,
    actor: Actor,
    at: datetime,
) -> list[AccessRequest]:
    item_consent: Consent | None = None
    if item.owner_ids is not None and _is_support(actor):
        owner_id, organisation_id = item.owner_ids
        item_consent = consents.find_item_consent(
            owner_id=owner_id,
            organisation_id=organisation_id,
            feature=SUPPORT,
            item=item.id,
            at=at,
        )
        if item_consent is not None and item_consent.reader_id not in {None, actor.user_id}:
            item_consent = None
    true_facts = holder_facts.facts | ({Fact.ITEM_CONSENTED} if item_consent is not None else set())
    return [
        AccessRequest(
            use=Use(data_class, Purpose.SUPPORT_ITEM, Recipient.SUPPORT_AGENT),
            holder=item.holder,
            epoch=holder_facts.epoch,
            actor=actor,
            on_behalf_of=holder_facts.owner_id,
            facts=true_facts,
            # The only fence is this consent: the reading depends on nothing else.
            fences=() if item_consent is None else (consents.make_fence(item_consent),),
            feature=SUPPORT,
            count=1,
            item=item.id,
            about=item.integration_id,
            names=holder_facts.names,
        )
        for data_class in data_classes
    ]


def _is_support(actor: Actor) -> bool:
    user_id, _ = get_owner_ids(actor)
    # The user row is visible only to its own person.
    with row_owner.acting_for(user_id, None):
        return User.objects.active().filter(id=user_id, role=Role.SUPPORT).exists()


def _get_permits(requests: list[AccessRequest], *, at: datetime) -> Permits:
    return {
        (permit.holder, permit.use.data_class): permit for permit in guard.permits(requests, at=at)
    }
