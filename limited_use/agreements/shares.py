"""
Shares with other registered users, given and taken back by the owner.

The caller checks viewer and item.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.memberships import NotAMember
from accounts.models import Membership
from limited_use.access_request import Fence, FenceKind
from limited_use.ledger import entries
from limited_use.models.shares import Share, ShareLevel
from limited_use.policy.policy_vocabulary import DataClass

from . import typed_addresses

LEVEL_DATA_CLASSES: dict[ShareLevel, frozenset[DataClass]] = {
    ShareLevel.FREEBUSY: frozenset({DataClass.CALENDAR_FREEBUSY}),
    ShareLevel.DETAILS: frozenset({DataClass.CALENDAR_FREEBUSY, DataClass.CALENDAR_EVENT}),
}


class ShareEndsInPast(Exception):
    """The end has to be in the future."""


def give(  # noqa: PLR0913 - what is shared, part by part, each by name
    *,
    person_id: UUID,
    organisation_id: UUID,
    viewer_id: UUID | None,
    item: UUID,
    level: ShareLevel,
    address: str = "",
    at: datetime,
    expires_at: datetime | None = None,
) -> Share:
    """
    Share `item` with another member of the organisation.

    Repeating changes nothing; another level or end replaces the older share. A share without a
    viewer opens nothing, and looks the same to its owner.

    :param viewer_id: None if no member has the address
    :param address: as typed
    :raises ShareEndsInPast, NotAMember:
    """
    if expires_at is not None and expires_at <= at:
        raise ShareEndsInPast
    named_viewer_id = viewer_id
    if viewer_id is None:
        viewer_id = _choose_placeholder_viewer(address, owner_id=person_id, item=item)
    # Lock in one order, so that changes of two people have an order.
    members = Membership.objects.live().filter(
        user_id__in=[person_id, viewer_id], organisation_id=organisation_id
    )
    membership_ids = {
        membership.user_id: membership.id
        for membership in members.order_by("id").select_for_update(no_key=True, of=("self",))
    }
    if named_viewer_id is None:
        membership_ids[viewer_id] = viewer_id
    if membership_ids.keys() != {person_id, viewer_id}:
        raise NotAMember
    live_share = (
        Share.objects.filter(item=item, viewer_id=viewer_id, withdrawn_at=None)
        .select_for_update(no_key=True)
        .first()
    )
    if live_share is not None:
        if (live_share.level, live_share.expires_at) == (level, expires_at) and live_share.is_live(
            at
        ):
            return live_share
        _end_share(live_share, event="share.replaced", at=at)
    share = Share.objects.create(
        owner_id=person_id,
        organisation_id=organisation_id,
        viewer_id=viewer_id,
        # A share ends with either membership, and a return does not revive it.
        owner_membership=membership_ids[person_id],
        viewer_membership=membership_ids[viewer_id],
        item=item,
        level=level,
        typed_address=typed_addresses.seal_address(address),
        given_at=at,
        expires_at=expires_at,
    )
    _record_entry("share.given", share, at)
    return share


def _choose_placeholder_viewer(address: str, *, owner_id: UUID, item: UUID) -> UUID:
    current, *former = typed_addresses.make_placeholder_viewers(address, owner_id=owner_id)
    if not former:
        return current
    known = Share.objects.filter(item=item, viewer_id__in=former, withdrawn_at=None)
    return known.values_list("viewer_id", flat=True).first() or current


def withdraw(*, person_id: UUID, share_id: UUID, at: datetime) -> Share | None:
    """Return None if the actor has no such live share."""
    owned_shares = Share.objects.filter(id=share_id, owner_id=person_id, withdrawn_at=None)
    share = owned_shares.select_for_update(no_key=True).first()
    if share is not None:
        _end_share(share, event="share.withdrawn", at=at)
    return share


def leave_share(*, viewer_id: UUID, share_id: UUID, at: datetime) -> bool:
    viewed_shares = Share.objects.filter(id=share_id, viewer_id=viewer_id, withdrawn_at=None)
    share = viewed_shares.select_for_update(no_key=True).first()
    if share is None:
        return False
    _end_share(share, event="share.left", at=at)
    return True


def end_item_shares(*, items: Collection[UUID], at: datetime) -> int:
    live_shares = Share.objects.filter(item__in=items, withdrawn_at=None).order_by("id")
    ended = list(live_shares.select_for_update(no_key=True))
    for share in ended:
        _end_share(share, event="share.lapsed", at=at)
    return len(ended)


def end_membership_shares(*, memberships: Collection[UUID], at: datetime) -> int:
    is_from_or_with = Q(owner_membership__in=memberships) | Q(viewer_membership__in=memberships)
    ended = list(
        Share.objects.filter(is_from_or_with, withdrawn_at=None)
        .order_by("id")
        .select_for_update(no_key=True)
    )
    for share in ended:
        _end_share(share, event="share.lapsed", at=at)
    return len(ended)


def end_owner_shares(*, person_id: UUID, organisation_id: UUID, at: datetime) -> int:
    owned_shares = Share.objects.filter(
        owner_id=person_id, organisation_id=organisation_id, withdrawn_at=None
    )
    ended = list(owned_shares.order_by("id").select_for_update(no_key=True))
    for share in ended:
        _end_share(share, event="share.withdrawn", at=at)
    return len(ended)


def filter_live(at: datetime) -> QuerySet[Share]:
    return Share.objects.filter(
        Q(expires_at=None) | Q(expires_at__gt=at), given_at__lte=at, withdrawn_at=None
    )


def forget_expired_share_addresses(*, at: datetime) -> int:
    expired_shares = Share.objects.filter(withdrawn_at=None, expires_at__lte=at).exclude(
        typed_address=""
    )
    return expired_shares.update(typed_address="")


def make_fence(share: Share) -> Fence:
    return Fence(FenceKind.SHARE, share.id, share.epoch)


def _end_share(share: Share, *, event: str, at: datetime) -> None:
    if not share.withdraw(at=at):
        # The history has the time of expiry.
        event = "share.expired"
    share.typed_address = ""
    share.save(update_fields=["typed_address"])
    _record_entry(event, share, at)


def _record_entry(event: str, share: Share, at: datetime) -> None:
    entries.record_ledger_event(
        event=event,
        about=share.id,
        body={
            "level": str(share.level),
            "owner": entries.get_ledger_pseudonym(share.owner_id),
            "viewer": entries.get_ledger_pseudonym(share.viewer_id),
            "item": entries.get_ledger_pseudonym(share.item),
        },
        at=at,
    )
