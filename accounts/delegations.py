from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.memberships import NotAMember
from accounts.models import Delegation, Membership, ServiceToken


class DelegationExists(Exception):
    """The feature is on already."""


class DelegationNotLive(Exception):
    """The person has no live delegation with this id."""


def switch_delegation_on(
    *, user_id: UUID, organisation_id: UUID, feature: str, feature_version: int, at: datetime
) -> Delegation:
    """
    :param feature_version: the version of the text that the person read

    :raises NotAMember, DelegationExists:
    """
    with transaction.atomic():
        membership = Membership.objects.live().filter(
            user_id=user_id, organisation_id=organisation_id
        )
        # Lock the membership: a feature switched on during a departure would outlive it.
        if not membership.select_for_update(no_key=True).exists():
            raise NotAMember
        try:
            with transaction.atomic():
                return Delegation.objects.create(
                    user_id=user_id,
                    organisation_id=organisation_id,
                    feature=feature,
                    feature_version=feature_version,
                    switched_on_at=at,
                )
        except IntegrityError:
            pass
        raise DelegationExists


def lock_delegation(*, delegation_id: UUID, epoch: int) -> Delegation:
    """
    Lock the live delegation for the rest of the transaction.

    :raises DelegationNotLive: also if it was switched off and on since
    """
    live = Delegation.objects.live().filter(id=delegation_id, epoch=epoch)
    delegation = live.select_for_update(no_key=True).first()
    if delegation is None:
        raise DelegationNotLive
    return delegation


@transaction.atomic
def switch_delegation_off(*, delegation_id: UUID, user_id: UUID, at: datetime) -> Delegation:
    """
    Switch a feature off. From the commit on, its tokens are refused and issued permits open
    nothing.

    :raises DelegationNotLive:
    """
    live = Delegation.objects.live().filter(id=delegation_id, user_id=user_id)
    delegation = live.select_for_update(no_key=True).first()
    if delegation is None:
        raise DelegationNotLive
    delegation.epoch += 1
    delegation.switched_off_at = at
    delegation.save(update_fields=["epoch", "switched_off_at"])
    ServiceToken.objects.filter(delegation=delegation).delete()
    return delegation
