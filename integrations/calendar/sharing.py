"""
Share a calendar with a person of the same organisation.

Own calendars are selected, never checked afterwards. The response is the same for every address,
so sharing does not reveal whether an address has an account.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from accounts import memberships, people, row_owner
from accounts.actors import Actor, ActorKind
from accounts.rate_limit_counters import Rate
from integrations.access import cross_user_lookups
from integrations.access.cross_user_lookups import SharePartner
from integrations.access.request_context import ObjectNotFound
from integrations.coordination.task_queue import enqueue_on_commit
from integrations.models import LIVE, Calendar
from limited_use.agreements import consents, shares, typed_addresses
from limited_use.agreements.consents import ConsentMissing
from limited_use.models.shares import Share, ShareLevel
from limited_use.policy.feature_registry import FEATURES

logger = logging.getLogger(__name__)

FEATURE = "calendar-sharing"
#: Limits shares by address, so that addresses cannot be probed in bulk.
RATE: Final = Rate("share", 30, 3600)


@dataclass(frozen=True, slots=True)
class CalendarShare:
    """
    :param other: the owner reads the address as typed, the viewer the owner's display name
    :param owner_platform_id: for the viewer only
    """

    share: Share
    calendar: Calendar
    other: str
    owner_platform_id: str | None = None


def share_calendar(  # noqa: PLR0913 - who, what, with whom, how much, until when
    *,
    actor: Actor,
    calendar_id: UUID,
    email: str,
    level: ShareLevel,
    version: int,
    at: datetime,
    expires_at: datetime | None = None,
) -> None:
    """
    Queues a notice to the colleague, and the same task if there is none.

    :param version: of the sharing agreement that the actor accepted
    :raises ObjectNotFound, shares.ShareEndsInPast:
    :raises ConsentMissing: for another version than the declared one
    """
    person_id, organisation_id = _get_person_ids(actor)
    if version != FEATURES[FEATURE].version:
        raise ConsentMissing(FEATURE)
    if expires_at is not None and expires_at <= at:
        raise shares.ShareEndsInPast
    with transaction.atomic(durable=True):
        calendar = _get_own_calendar(person_id, organisation_id, calendar_id)
        viewer_id = _find_recipient(email, person_id, organisation_id)
        member_ids = [person for person in (person_id, viewer_id) if person is not None]
        memberships.lock_memberships(user_ids=member_ids, organisation_id=organisation_id)
        # The act of sharing is the consent, with or without a recipient.
        consents.give(
            person_id=person_id,
            organisation_id=organisation_id,
            feature=FEATURE,
            version=version,
            at=at,
        )
        if viewer_id == person_id:
            viewer_id = None
        if viewer_id is None:
            logger.info("share.reached_nobody", extra={"about": calendar.id})
        share = shares.give(
            person_id=person_id,
            organisation_id=organisation_id,
            viewer_id=viewer_id,
            item=calendar.id,
            level=level,
            address=email.strip(),
            at=at,
            expires_at=expires_at,
        )
        enqueue_on_commit("integrations.notify_of_share", share_id=share.id)


def withdraw_share(*, actor: Actor, share_id: UUID, at: datetime) -> None:
    """
    End a share as its owner: it opens nothing from the commit on.

    :raises ObjectNotFound:
    """
    person_id, organisation_id = _get_person_ids(actor)
    with transaction.atomic(durable=True):
        matching = Share.objects.filter(id=share_id, organisation_id=organisation_id)
        if not matching.exists() or (
            shares.withdraw(person_id=person_id, share_id=share_id, at=at) is None
        ):
            raise ObjectNotFound
        enqueue_on_commit("integrations.notify_of_share", share_id=share_id)


def leave_share(*, actor: Actor, share_id: UUID, at: datetime) -> None:
    """
    End a share as its viewer.

    :raises ObjectNotFound:
    """
    person_id, organisation_id = _get_person_ids(actor)
    with transaction.atomic(durable=True):
        matching = Share.objects.filter(id=share_id, organisation_id=organisation_id)
        if not matching.exists() or not shares.leave_share(
            viewer_id=person_id, share_id=share_id, at=at
        ):
            raise ObjectNotFound


def end_share(*, actor: Actor, share_id: UUID, at: datetime) -> None:
    """
    End a share as its owner or its viewer.

    :raises ObjectNotFound:
    """
    try:
        withdraw_share(actor=actor, share_id=share_id, at=at)
    except ObjectNotFound:
        leave_share(actor=actor, share_id=share_id, at=at)


def list_calendar_shares(*, actor: Actor, calendar_id: UUID, at: datetime) -> list[CalendarShare]:
    """
    Newest first.

    :raises ObjectNotFound:
    """
    person_id, organisation_id = _get_person_ids(actor)
    calendar = _get_own_calendar(person_id, organisation_id, calendar_id)
    live_shares = list(shares.filter_live(at).filter(item=calendar.id).order_by("-given_at", "-id"))
    return [
        CalendarShare(share, calendar, typed_addresses.open_address(share.typed_address))
        for share in live_shares
    ]


def list_given_shares(*, actor: Actor, at: datetime) -> list[CalendarShare]:
    person_id, organisation_id = _get_person_ids(actor)
    live_shares = shares.filter_live(at).filter(owner_id=person_id, organisation_id=organisation_id)
    newest_first = list(live_shares.order_by("-given_at", "-id"))
    return _attach_calendars(
        newest_first,
        {share.id: typed_addresses.open_address(share.typed_address) for share in newest_first},
    )


def list_received_shares(*, actor: Actor, at: datetime) -> list[CalendarShare]:
    person_id, organisation_id = _get_person_ids(actor)
    live_shares = shares.filter_live(at).filter(
        viewer_id=person_id,
        organisation_id=organisation_id,
        viewer_membership=actor.membership_id or UUID(int=0),
    )
    newest_first = list(live_shares.order_by("-given_at", "-id"))
    partners = cross_user_lookups.find_share_partners(person_id, organisation_id)
    owners = {share.id: partners.get(share.owner_id) for share in newest_first}
    names = {share_id: _get_name(owner) for share_id, owner in owners.items()}
    return [
        replace(calendar_share, owner_platform_id=_get_platform_id(owners[calendar_share.share.id]))
        for calendar_share in _attach_calendars(newest_first, names)
    ]


def _attach_calendars(live_shares: list[Share], others: Mapping[UUID, str]) -> list[CalendarShare]:
    calendars = Calendar.objects.live().filter(integration__status__in=LIVE)
    by_id = calendars.select_related("integration").in_bulk([share.item for share in live_shares])
    return [
        CalendarShare(share, by_id[share.item], others[share.id])
        for share in live_shares
        if share.item in by_id
    ]


def _get_person_ids(actor: Actor) -> tuple[UUID, UUID]:
    if actor.kind != ActorKind.PERSON or actor.user_id is None or actor.organisation_id is None:
        raise ObjectNotFound
    return actor.user_id, actor.organisation_id


def _get_own_calendar(person_id: UUID, organisation_id: UUID, calendar_id: UUID) -> Calendar:
    own_calendars = Calendar.objects.live().owned_by(person_id, organisation_id)
    calendar = own_calendars.filter(id=calendar_id, integration__status__in=LIVE).first()
    if calendar is None:
        raise ObjectNotFound
    return calendar


def _find_recipient(email: str, person_id: UUID, organisation_id: UUID) -> UUID | None:
    """Take the same path for every address; the address must be verified."""
    with row_owner.acting_for(person_id, organisation_id):
        # Lower case by the same rule as `typed_addresses.make_placeholder_viewers`: otherwise two
        # spellings of an address would be one share if the address has an account, and two if it
        # has none.
        return people.find_colleague(email.strip().lower())


def _get_name(owner: SharePartner | None) -> str:
    return "" if owner is None else owner.name or owner.address


def _get_platform_id(owner: SharePartner | None) -> str | None:
    return None if owner is None else owner.platform_id
