"""Joining and leaving. Leaving is a fence: it ends all that the stay had begun, in one commit."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet

from accounts import sessions
from accounts.models import Delegation, Membership, Organisation, ServiceToken, User


class NotAMember(Exception):
    """The person does not belong to the organisation. Nothing was changed."""


class AlreadyAMember(Exception):
    """They belong already. There is nothing to do."""


class NotOpen(Exception):
    """The person is deactivated or the organisation closed. Nobody joins."""


def join(*, user_id: UUID, organisation_id: UUID, at: datetime) -> Membership:
    """
    Record that a person belongs to an organisation from `at` on.

    :raises AlreadyAMember: if they do already
    :raises NotOpen: if the person is deactivated or the organisation is closed
    """
    with transaction.atomic():
        # Held, so that a deactivation or a closing cannot pass between look and write.
        person = User.objects.active().filter(id=user_id).select_for_update(no_key=True)
        organisation = (
            Organisation.objects.live().filter(id=organisation_id).select_for_update(no_key=True)
        )
        if not person.exists() or not organisation.exists():
            raise NotOpen
        try:
            with transaction.atomic():
                return Membership.objects.create(
                    user_id=user_id, organisation_id=organisation_id, joined_at=at
                )
        except IntegrityError:
            pass
        raise AlreadyAMember


@transaction.atomic
def leave(*, user_id: UUID, organisation_id: UUID, at: datetime) -> Membership:
    """
    End a person's membership, and with it their features, tokens and sessions.

    All of it is one commit (the caller's, where there is one around this). Their
    connections are the caller's: this package does not know them.

    :raises NotAMember: if they do not belong to it now
    """
    theirs = Membership.objects.live().filter(user_id=user_id, organisation_id=organisation_id)
    if not (ended := end(theirs, at=at)):
        raise NotAMember
    return ended[0]


def hold(*, user_ids: Collection[UUID], organisation_id: UUID) -> None:
    """
    Lock the live memberships of some people for the rest of the transaction.

    In the order of their ids, so that two people who do the same with each other do not wait for
    each other.
    """
    theirs = Membership.objects.live().filter(user_id__in=user_ids, organisation_id=organisation_id)
    held = theirs.order_by("id").select_for_update(no_key=True, of=("self",))
    list(held.values_list("id"))


def end(memberships: QuerySet[Membership], *, at: datetime) -> list[Membership]:
    """
    End live `memberships` inside the caller's transaction, and return them as they now are.

    Sessions end for all of the person's organisations: what a browser holds
    cannot be told apart by organisation, so they sign in again.
    """
    # In the order of their ids, so that two closings cannot wait for each other.
    held = list(memberships.select_for_update(no_key=True).order_by("id"))
    for membership in held:
        membership.epoch += 1
        membership.left_at = at
        membership.save(update_fields=["epoch", "left_at"])
        theirs = Delegation.objects.of(membership.user_id, membership.organisation_id)
        ServiceToken.objects.filter(delegation__in=theirs).delete()
        theirs.live().update(epoch=F("epoch") + 1, switched_off_at=at)
        sessions.end_all(user_id=membership.user_id)
    return held
