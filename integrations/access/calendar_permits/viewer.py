"""Permits to look at calendars: one's own, and those that others share."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, cast
from uuid import UUID

from accounts.actors import Actor, ActorKind
from accounts.models import Membership
from integrations.access import facts, scopes
from integrations.access.facts import Agreement, Found
from integrations.models import Calendar
from limited_use.access_request import AccessRequest, Fence, FenceKind, Permit
from limited_use.agreements import shares
from limited_use.guard import guard
from limited_use.models.shares import Share, ShareLevel
from limited_use.policy.vocabulary import DataClass, Fact, Purpose, Recipient, Use
from limited_use.sinks.rows import Permits

from . import access_requests

_FREEBUSY: Final = DataClass.CALENDAR_FREEBUSY


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    One calendar that somebody wants to see something of.

    :param share: under which they may, if it is not their own
    :param count: how many rows will be opened
    :param names_only: what it is called, and nothing that is in it
    """

    calendar: Calendar
    data_classes: tuple[DataClass, ...]
    share: Share | None = None
    count: int = 0
    names_only: bool = False


def to_view(*, actor: Actor, wanted: Sequence[Wanted], at: datetime) -> Permits:
    """
    Return permits to show calendars to `actor`, by the copy and data class; one question.

    :raises guard.Refused: if one is neither theirs nor shared with them, or its copy is too old
    """
    if not wanted:
        return {}
    granted = guard.permits(_to_view(actor, wanted, at), at=at)
    return {(permit.holder, permit.use.data_class): permit for permit in granted}


def to_view_apart(
    *, actor: Actor, wanted: Sequence[Wanted], at: datetime, needed: UUID | None = None
) -> Permits:
    """
    Return as `to_view`, where what others share is refused each by itself and left out.

    For a question about many people: what one of them ended takes nothing from the others.

    :param needed: the calendar without which there is no answer, though it be somebody else's
    :raises guard.Refused: if something of their own may not be shown, or of that one
    """
    if not wanted:
        return {}
    asked = _to_view(actor, wanted, at)
    must = {one.calendar.cache_id for one in wanted if one.calendar.id == needed}
    granted: dict[tuple[UUID, DataClass], Permit] = {}
    for ask, answer in zip(asked, guard.each(asked, at=at), strict=True):
        if isinstance(answer, Permit):
            granted[ask.holder, ask.use.data_class] = answer
        elif ask.use.purpose != Purpose.CALENDAR_SHARE or ask.holder in must:
            raise answer
    return granted


def allows(permits: Permits, calendar: Calendar, data_classes: Collection[DataClass]) -> bool:
    """Return whether all of these may be shown of a calendar."""
    return all((calendar.cache_id, one) in permits for one in data_classes)


def refuse_for_others(*, actor: Actor, at: datetime) -> None:
    """
    Refuse a feature that asks for anybody but whom it acts for, known or not.

    What colleagues share is between people. Nobody named is looked up, so that the refusal is
    the same for all; it is about the delegation that the feature came with.

    :raises guard.Refused: always, for a feature
    """
    if actor.kind != ActorKind.CLIENT:
        return
    use = Use(_FREEBUSY, Purpose.CALENDAR_SHARE, Recipient.PLATFORM_FEATURE)
    holder = actor.delegation_id or actor.id
    guard.permit(
        AccessRequest(
            use=use,
            holder=holder,
            epoch=0,
            actor=actor,
            on_behalf_of=actor.user_id,
            facts=frozenset(),
            feature=actor.feature,
        ),
        at=at,
    )
    # No rule shows a share to a feature; if one did, nothing would be shown here.
    raise RuntimeError("a share was permitted to a feature")


def _to_view(actor: Actor, wanted: Sequence[Wanted], at: datetime) -> list[AccessRequest]:
    found = _found(wanted, actor, at)
    standing = _standing([one for one in wanted if one.share is not None], at)
    own: list[AccessRequest] = []
    shared: list[AccessRequest] = []
    for one in wanted:
        by = _agreement(one)
        known = _aged(found[by, one.calendar.integration_id], one, at)
        if one.share is None:
            own += _own(one, actor, known, by)
        else:
            shared += _shared(one, actor, _as_shared(known, one, actor, standing))
    return [*own, *shared]


def _agreement(one: Wanted) -> Agreement:
    """Return the agreement of its owner that showing a calendar rests on."""
    if one.share is not None:
        return facts.OF_SHARING
    return facts.get_calendar_agreement(is_local=one.calendar.is_local)


def _found(
    wanted: Iterable[Wanted], actor: Actor, at: datetime
) -> Mapping[tuple[Agreement, UUID], Found]:
    """Return what was found of each calendar's integration, in one query."""
    ids: dict[Agreement, set[UUID]] = {}
    for one in wanted:
        ids.setdefault(_agreement(one), set()).add(one.calendar.integration_id)
    by_agreement = {by: sorted(its) for by, its in ids.items()}
    return facts.of_agreements(by_agreement, actor=actor, at=at)


def _own(one: Wanted, actor: Actor, found: Found, by: Agreement) -> Iterable[AccessRequest]:
    is_client = actor.kind == ActorKind.CLIENT
    # The purpose is the token's. One that the vocabulary lacks is passed on: the policy refuses
    # it, and the ledger says so.
    purpose = cast("Purpose", actor.purpose or "") if is_client else Purpose.CALENDAR_SCHEDULE
    recipient = Recipient.PLATFORM_FEATURE if is_client else Recipient.OWNER
    feature = actor.feature if is_client else by.key
    for data_class in one.data_classes:
        ask = access_requests.of_calendar(
            Use(data_class, purpose, recipient), one.calendar, found, actor, feature=feature
        )
        yield replace(ask, count=one.count)


def _shared(one: Wanted, actor: Actor, found: Found) -> Iterable[AccessRequest]:
    for data_class in one.data_classes:
        use = Use(data_class, Purpose.CALENDAR_SHARE, Recipient.REGISTERED_USER)
        ask = access_requests.of_calendar(
            use, one.calendar, found, actor, feature=facts.OF_SHARING.key
        )
        opens = shares.OPENS[ShareLevel(one.share.level)] if one.share is not None else frozenset()
        if data_class not in opens:
            # It shows less than what is asked for: for that, there is no share.
            ask = replace(ask, facts=ask.facts - {Fact.SHARE_LIVE})
        yield replace(ask, count=one.count, on_behalf_of=found.owner_id)


@dataclass(frozen=True, slots=True)
class _Standing:
    """Shares as the database has them now, whoever brought them, and who still belongs."""

    shares: Mapping[UUID, Share]
    members: Mapping[UUID, Fence]


def _standing(shared: Sequence[Wanted], at: datetime) -> _Standing:
    ids = {one.share.id for one in shared if one.share is not None}
    if not ids:
        return _Standing({}, {})
    found = shares.live(at).in_bulk(ids)
    both = {
        one for share in found.values() for one in (share.owner_membership, share.viewer_membership)
    }
    members = Membership.objects.live().filter(id__in=both).values_list("id", "epoch")
    return _Standing(
        found, {one: Fence(FenceKind.MEMBERSHIP, one, epoch) for one, epoch in members}
    )


def _as_shared(found: Found, one: Wanted, actor: Actor, standing: _Standing) -> Found:
    """Return what was found, with the share if it stands."""
    share = standing.shares.get(one.share.id) if one.share is not None else None
    if share is None or (share.item, share.viewer_id, share.owner_id, share.organisation_id) != (
        one.calendar.id,
        actor.user_id,
        found.owner_id,
        actor.organisation_id,
    ):
        return found
    owner = standing.members.get(share.owner_membership)
    viewer = standing.members.get(share.viewer_membership)
    # Whoever left and came back is shown nothing by a share from before.
    if owner is None or viewer is None or actor.membership_id != share.viewer_membership:
        return found
    return replace(
        found,
        facts=found.facts | {Fact.SHARE_LIVE},
        fences=(*found.fences, owner, viewer, shares.fence(share)),
    )


def _aged(found: Found, one: Wanted, at: datetime) -> Found:
    """Return `found`, with the fact `CACHE_CURRENT` if the calendar's copy is young enough."""
    hours = scopes.cached_hours(found.product, found.cache_hours)
    is_young = one.calendar.is_known if one.names_only else one.calendar.is_current
    if not is_young(hours=hours, at=at):
        return found
    return replace(found, facts=found.facts | {Fact.CACHE_CURRENT})
