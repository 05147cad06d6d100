"""
People who leave or are deactivated, and organisations that close.

One commit ends memberships, features, tokens, sessions and shares in both directions, and closes
connections; the next sweep begins the removal.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from accounts import memberships, organisations, user_provisioning
from accounts.models import Membership
from limited_use.ledger import entries

from . import shares


class MembershipEndReason(StrEnum):
    LEFT = "left"
    DEACTIVATED = "deactivated"
    ORGANISATION_CLOSED = "organisation_closed"


def leave_organisation(*, user_id: UUID, organisation_id: UUID, at: datetime) -> int:
    """
    Return how many shares ended.

    :raises memberships.NotAMember:
    """
    with transaction.atomic():
        ended = memberships.end_membership(user_id=user_id, organisation_id=organisation_id, at=at)
        return _record_ended(
            Membership.objects.filter(id=ended.id), why=MembershipEndReason.LEFT, at=at
        )


def deactivate_person(*, user_id: UUID, at: datetime) -> int:
    """
    Return how many shares ended.

    :raises user_provisioning.UserNotActive:
    """
    with transaction.atomic():
        user_provisioning.deactivate_user(user_id=user_id, at=at)
        entries.record_ledger_event(event="person.deactivated", about=user_id, at=at)
        ended = Membership.objects.filter(user_id=user_id, left_at=at)
        return _record_ended(ended, why=MembershipEndReason.DEACTIVATED, at=at)


def close_organisation(*, organisation_id: UUID, at: datetime) -> int:
    """
    Return how many shares ended.

    :raises organisations.OrganisationNotLive:
    """
    with transaction.atomic():
        organisations.close_organisation(organisation_id=organisation_id, at=at)
        entries.record_ledger_event(event="organisation.closed", about=organisation_id, at=at)
        ended = Membership.objects.filter(organisation_id=organisation_id, left_at=at)
        return _record_ended(ended, why=MembershipEndReason.ORGANISATION_CLOSED, at=at)


def _record_ended(ended: QuerySet[Membership], *, why: MembershipEndReason, at: datetime) -> int:
    ended_memberships = list(ended.order_by("id"))
    for membership in ended_memberships:
        organisation = entries.get_ledger_pseudonym(membership.organisation_id)
        entries.record_ledger_event(
            event="membership.ended",
            about=membership.user_id,
            body={"why": str(why), "organisation": organisation},
            at=at,
        )
    return shares.end_membership_shares(
        memberships=[membership.id for membership in ended_memberships], at=at
    )
