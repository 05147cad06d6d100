"""
Sharing a calendar with somebody of the same organisation, and taking it back.

Owned is selected, never checked afterwards. Whom an address reaches is nobody's to find out: the
answer is the same whether anybody has it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from accounts import memberships, people, row_owner
from accounts.actors import Actor, ActorKind
from accounts.rate_limits import Rate
from integrations.access import cross_user_lookups
from integrations.access.request_context import NotFound
from integrations.models import LIVE, Calendar
from limited_use.agreements import consents, shares, typed_addresses
from limited_use.agreements.consents import NotAgreed
from limited_use.models.shares import Share, ShareLevel
from limited_use.policy.features import FEATURES

logger = logging.getLogger(__name__)

FEATURE = "calendar-sharing"
#: How often one may name an address: often is it tried by nobody who means somebody.
RATE: Final = Rate("share", 30, 3600)


@dataclass(frozen=True, slots=True)
class Standing:
    """
    One share that stands.

    :param other: the address that its owner typed; to the viewer, the display name of the owner
    """

    share: Share
    calendar: Calendar
    other: str


def share(  # noqa: PLR0913 - who, what, with whom, how much, until when
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
    Share a calendar of the actor's own with whoever of the organisation has that address.

    Says nothing of whether anybody has: nor does it send mail.

    :param version: of the words of sharing that they agreed to
    :raises NotFound: if there is no such calendar of theirs
    :raises NotAgreed: if that is not the declared version
    :raises shares.InThePast: if the end lies behind
    """
    person_id, organisation_id = _person(actor)
    if version != FEATURES[FEATURE].version:
        raise NotAgreed(FEATURE)
    if expires_at is not None and expires_at <= at:
        raise shares.InThePast
    with transaction.atomic(durable=True):
        calendar = _own(person_id, organisation_id, calendar_id)
        viewer_id = _reached(email, person_id, organisation_id)
        both = [one for one in (person_id, viewer_id) if one is not None]
        memberships.lock_memberships(user_ids=both, organisation_id=organisation_id)
        # Agreed to by sharing, whoever is at the other end.
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
        shares.give(
            person_id=person_id,
            organisation_id=organisation_id,
            viewer_id=viewer_id,
            item=calendar.id,
            level=level,
            address=email.strip(),
            at=at,
            expires_at=expires_at,
        )


def withdraw(*, actor: Actor, share_id: UUID, at: datetime) -> None:
    """
    Take a share of the actor's own back: it opens nothing from the commit on.

    :raises NotFound: if there is no such share of theirs
    """
    person_id, organisation_id = _person(actor)
    with transaction.atomic(durable=True):
        mine = Share.objects.filter(id=share_id, organisation_id=organisation_id)
        if not mine.exists() or (
            shares.withdraw(person_id=person_id, share_id=share_id, at=at) is None
        ):
            raise NotFound


def leave(*, actor: Actor, share_id: UUID, at: datetime) -> None:
    """
    End a share as the one who is shown it.

    :raises NotFound: if nothing of that id is shared with them
    """
    person_id, organisation_id = _person(actor)
    with transaction.atomic(durable=True):
        theirs = Share.objects.filter(id=share_id, organisation_id=organisation_id)
        if not theirs.exists() or not shares.leave(viewer_id=person_id, share_id=share_id, at=at):
            raise NotFound


def end(*, actor: Actor, share_id: UUID, at: datetime) -> None:
    """
    End a share as either of the two: taken back, or left.

    :raises NotFound: if there is no such share of theirs or with them
    """
    try:
        withdraw(actor=actor, share_id=share_id, at=at)
    except NotFound:
        leave(actor=actor, share_id=share_id, at=at)


def of_calendar(*, actor: Actor, calendar_id: UUID, at: datetime) -> list[Standing]:
    """
    Return with which addresses the actor shares a calendar of their own, the newest share first.

    :raises NotFound: if there is no such calendar of theirs
    """
    person_id, organisation_id = _person(actor)
    calendar = _own(person_id, organisation_id, calendar_id)
    found = list(shares.live(at).filter(item=calendar.id).order_by("-given_at", "-id"))
    return [Standing(one, calendar, typed_addresses.open_(one.typed_address)) for one in found]


def given(*, actor: Actor, at: datetime) -> list[Standing]:
    """Return every share of the actor's own that stands."""
    person_id, organisation_id = _person(actor)
    found = shares.live(at).filter(owner_id=person_id, organisation_id=organisation_id)
    ordered = list(found.order_by("-given_at", "-id"))
    return _standing(ordered, {one.id: typed_addresses.open_(one.typed_address) for one in ordered})


def received(*, actor: Actor, at: datetime) -> list[Standing]:
    """Return every share that stands by which the actor is shown something."""
    person_id, organisation_id = _person(actor)
    found = shares.live(at).filter(
        viewer_id=person_id,
        organisation_id=organisation_id,
        viewer_membership=actor.membership_id or UUID(int=0),
    )
    ordered = list(found.order_by("-given_at", "-id"))
    names = _names(person_id, organisation_id)
    return _standing(ordered, {one.id: names.get(one.owner_id, "") for one in ordered})


def _standing(found: list[Share], others: Mapping[UUID, str]) -> list[Standing]:
    calendars = Calendar.objects.live().filter(integration__status__in=LIVE)
    by_id = calendars.select_related("integration").in_bulk([one.item for one in found])
    return [Standing(one, by_id[one.item], others[one.id]) for one in found if one.item in by_id]


def _person(actor: Actor) -> tuple[UUID, UUID]:
    if actor.kind != ActorKind.PERSON or actor.user_id is None or actor.organisation_id is None:
        raise NotFound
    return actor.user_id, actor.organisation_id


def _own(person_id: UUID, organisation_id: UUID, calendar_id: UUID) -> Calendar:
    mine = Calendar.objects.live().owned_by(person_id, organisation_id)
    calendar = mine.filter(id=calendar_id, integration__status__in=LIVE).first()
    if calendar is None:
        raise NotFound
    return calendar


def _reached(email: str, person_id: UUID, organisation_id: UUID) -> UUID | None:
    """Return who of the organisation has a verified address; asked the same way for any."""
    with row_owner.acting_for(person_id, organisation_id):
        # In lower case by the same rule as `typed_addresses.make_viewer`, or two spellings of one
        # address would be one share if somebody has it, and two if nobody has.
        return people.find_colleague(email.strip().lower())


def _names(person_id: UUID, organisation_id: UUID) -> dict[UUID, str]:
    """Return what those are called who share calendars with a person."""
    partners = cross_user_lookups.find_partners(person_id, organisation_id)
    return {one: partner.name or partner.address for one, partner in partners.items()}
