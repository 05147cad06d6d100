"""Joining and leaving. Leaving ends all that the membership began, in one commit."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet

from accounts import sessions
from accounts.models import Delegation, Membership, Organisation, ServiceToken, User


class NotAMember(Exception):
    """The person does not belong to the organisation."""


class AlreadyMember(Exception):
    """The membership is live already."""


class JoinNotAllowed(Exception):
    """The person is deactivated or the organisation is closed."""


def add_member(*, user_id: UUID, organisation_id: UUID, at: datetime) -> Membership:
    """:raises AlreadyMember, JoinNotAllowed:"""
    with transaction.atomic():
        # Lock both, so that no deactivation or closing happens between check and write.
        person = User.objects.active().filter(id=user_id).select_for_update(no_key=True)
        organisation = (
            Organisation.objects.live().filter(id=organisation_id).select_for_update(no_key=True)
        )
        if not person.exists() or not organisation.exists():
            raise JoinNotAllowed
        try:
            with transaction.atomic():
                return Membership.objects.create(
                    user_id=user_id, organisation_id=organisation_id, joined_at=at
                )
        except IntegrityError:
            pass
        raise AlreadyMember


@transaction.atomic
def end_membership(*, user_id: UUID, organisation_id: UUID, at: datetime) -> Membership:
    """
    End a membership with its features, tokens and sessions, in one commit or the caller's
    transaction.

    The caller ends the connections, which this package does not know.

    :raises NotAMember:
    """
    live = Membership.objects.live().filter(user_id=user_id, organisation_id=organisation_id)
    if not (ended := end_memberships(live, at=at)):
        raise NotAMember
    return ended[0]


def lock_memberships(*, user_ids: Collection[UUID], organisation_id: UUID) -> None:
    """Lock live memberships for the rest of the transaction, ordered by id against deadlocks."""
    live = Membership.objects.live().filter(user_id__in=user_ids, organisation_id=organisation_id)
    locked = live.order_by("id").select_for_update(no_key=True, of=("self",))
    list(locked.values_list("id"))


def end_memberships(memberships: QuerySet[Membership], *, at: datetime) -> list[Membership]:
    """
    End live memberships in the caller's transaction, and return them.

    A session belongs to no organisation, so all sessions of the person end.
    """
    # Ordered by id, so that two closings do not deadlock.
    locked = list(memberships.select_for_update(no_key=True).order_by("id"))
    for membership in locked:
        membership.epoch += 1
        membership.left_at = at
        membership.save(update_fields=["epoch", "left_at"])
        delegations = Delegation.objects.of(membership.user_id, membership.organisation_id)
        ServiceToken.objects.filter(delegation__in=delegations).delete()
        delegations.live().update(epoch=F("epoch") + 1, switched_off_at=at)
        sessions.end_sessions(user_id=membership.user_id)
    return locked
