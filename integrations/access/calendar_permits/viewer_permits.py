"""Permits to view calendars of the actor, and those shared with the actor."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, cast
from uuid import UUID

from accounts.actors import Actor, ActorKind
from accounts.models import Membership
from integrations.access import facts, feature_reads, scopes
from integrations.access.facts import HolderFacts, RequiredConsent
from integrations.models import Calendar
from limited_use.access_request import AccessRequest, Fence, FenceKind, Permit
from limited_use.agreements import shares
from limited_use.guard import guard
from limited_use.models.shares import Share, ShareLevel
from limited_use.policy.policy_vocabulary import DataClass, Fact, Purpose, Recipient, Use
from limited_use.sinks.sealed_rows import Permits

from . import calendar_access_requests

_FREEBUSY: Final = DataClass.CALENDAR_FREEBUSY


@dataclass(frozen=True, slots=True)
class CalendarViewRequest:
    """
    :param share: that allows it, for a calendar of another person
    :param names_only: the calendar's name, and none of its events
    """

    calendar: Calendar
    data_classes: tuple[DataClass, ...]
    share: Share | None = None
    count: int = 0
    names_only: bool = False


def to_view(*, actor: Actor, view_requests: Sequence[CalendarViewRequest], at: datetime) -> Permits:
    """
    Return permits by key holder and data class.

    :raises guard.AccessRefused: if a calendar is neither owned nor shared, or its cache is too
        old
    """
    if not view_requests:
        return {}
    granted = guard.permits(_build_requests(actor, view_requests, at), at=at)
    _record_reads(actor, view_requests, {permit.holder for permit in granted}, at)
    return {(permit.holder, permit.use.data_class): permit for permit in granted}


def to_view_separately(
    *,
    actor: Actor,
    view_requests: Sequence[CalendarViewRequest],
    at: datetime,
    required_calendar_id: UUID | None = None,
) -> Permits:
    """
    Leave refused shared calendars out of `to_view`: a share that one person has ended hides no
    other calendar.

    :param required_calendar_id: a shared calendar that must be permitted
    :raises guard.AccessRefused: if an own calendar or the required one is refused
    """
    if not view_requests:
        return {}
    requests = _build_requests(actor, view_requests, at)
    required_holders = {
        view_request.calendar.cache_id
        for view_request in view_requests
        if view_request.calendar.id == required_calendar_id
    }
    granted: dict[tuple[UUID, DataClass], Permit] = {}
    for request, answer in zip(requests, guard.decide_each_request(requests, at=at), strict=True):
        if isinstance(answer, Permit):
            granted[request.holder, request.use.data_class] = answer
        elif request.use.purpose != Purpose.CALENDAR_SHARE or request.holder in required_holders:
            raise answer
    _record_reads(actor, view_requests, {holder for holder, _ in granted}, at)
    return granted


def _record_reads(
    actor: Actor,
    view_requests: Sequence[CalendarViewRequest],
    holders: Collection[UUID],
    at: datetime,
) -> None:
    """:param holders: of permits"""
    calendars = [view_request.calendar for view_request in view_requests]
    feature_reads.record_feature_reads(
        actor=actor,
        integration_ids={
            calendar.integration_id for calendar in calendars if calendar.cache_id in holders
        },
        at=at,
    )


def allows_all(permits: Permits, calendar: Calendar, data_classes: Collection[DataClass]) -> bool:
    return all((calendar.cache_id, data_class) in permits for data_class in data_classes)


def _build_requests(
    actor: Actor, view_requests: Sequence[CalendarViewRequest], at: datetime
) -> list[AccessRequest]:
    facts_by_consent = _find_facts(view_requests, actor, at)
    live_shares = _find_live_shares(
        [view_request for view_request in view_requests if view_request.share is not None], at
    )
    own: list[AccessRequest] = []
    shared: list[AccessRequest] = []
    for view_request in view_requests:
        consent = _get_required_consent(view_request)
        holder_facts = _add_cache_age(
            facts_by_consent[consent, view_request.calendar.integration_id], view_request, at
        )
        if view_request.share is None:
            own += _request_own_calendar(view_request, actor, holder_facts, consent)
        else:
            shared += _request_shared_calendar(
                view_request, actor, _add_share(holder_facts, view_request, actor, live_shares)
            )
    return [*own, *shared]


def _get_required_consent(view_request: CalendarViewRequest) -> RequiredConsent:
    if view_request.share is not None:
        return facts.SHARING_CONSENT
    return facts.get_calendar_consent(is_local=view_request.calendar.is_local)


def _find_facts(
    view_requests: Iterable[CalendarViewRequest], actor: Actor, at: datetime
) -> Mapping[tuple[RequiredConsent, UUID], HolderFacts]:
    ids_by_consent: dict[RequiredConsent, set[UUID]] = {}
    for view_request in view_requests:
        ids_by_consent.setdefault(_get_required_consent(view_request), set()).add(
            view_request.calendar.integration_id
        )
    sorted_ids = {
        consent: sorted(integration_ids) for consent, integration_ids in ids_by_consent.items()
    }
    return facts.for_required_consents(sorted_ids, actor=actor, at=at)


def _request_own_calendar(
    view_request: CalendarViewRequest,
    actor: Actor,
    holder_facts: HolderFacts,
    consent: RequiredConsent,
) -> Iterable[AccessRequest]:
    is_client = actor.kind == ActorKind.CLIENT
    # A client's purpose comes from its token. The policy refuses and records an unknown one.
    purpose = cast("Purpose", actor.purpose or "") if is_client else Purpose.CALENDAR_SCHEDULE
    recipient = Recipient.PLATFORM_FEATURE if is_client else Recipient.OWNER
    feature = actor.feature if is_client else consent.feature_key
    for data_class in view_request.data_classes:
        request = calendar_access_requests.for_calendar(
            Use(data_class, purpose, recipient),
            view_request.calendar,
            holder_facts,
            actor,
            feature=feature,
        )
        yield replace(request, count=view_request.count)


def _request_shared_calendar(
    view_request: CalendarViewRequest, actor: Actor, holder_facts: HolderFacts
) -> Iterable[AccessRequest]:
    for data_class in view_request.data_classes:
        use = Use(data_class, Purpose.CALENDAR_SHARE, Recipient.REGISTERED_USER)
        request = calendar_access_requests.for_calendar(
            use,
            view_request.calendar,
            holder_facts,
            actor,
            feature=facts.SHARING_CONSENT.feature_key,
        )
        opened_classes = (
            shares.LEVEL_DATA_CLASSES[ShareLevel(view_request.share.level)]
            if view_request.share is not None
            else frozenset()
        )
        if data_class not in opened_classes:
            # The share's level does not cover this data class.
            request = replace(request, facts=request.facts - {Fact.SHARE_LIVE})
        yield replace(request, count=view_request.count, on_behalf_of=holder_facts.owner_id)


@dataclass(frozen=True, slots=True)
class _LiveShares:
    shares: Mapping[UUID, Share]
    members: Mapping[UUID, Fence]


def _find_live_shares(view_requests: Sequence[CalendarViewRequest], at: datetime) -> _LiveShares:
    share_ids = {
        view_request.share.id for view_request in view_requests if view_request.share is not None
    }
    if not share_ids:
        return _LiveShares({}, {})
    live_shares = shares.filter_live(at).in_bulk(share_ids)
    membership_ids = {
        membership_id
        for share in live_shares.values()
        for membership_id in (share.owner_membership, share.viewer_membership)
    }
    members = Membership.objects.live().filter(id__in=membership_ids).values_list("id", "epoch")
    return _LiveShares(
        live_shares,
        {
            membership_id: Fence(FenceKind.MEMBERSHIP, membership_id, epoch)
            for membership_id, epoch in members
        },
    )


def _add_share(
    holder_facts: HolderFacts,
    view_request: CalendarViewRequest,
    actor: Actor,
    live_shares: _LiveShares,
) -> HolderFacts:
    """Add `SHARE_LIVE` if the share is live and names exactly this calendar, owner and viewer."""
    share = (
        live_shares.shares.get(view_request.share.id) if view_request.share is not None else None
    )
    if share is None or (share.item, share.viewer_id, share.owner_id, share.organisation_id) != (
        view_request.calendar.id,
        actor.user_id,
        holder_facts.owner_id,
        actor.organisation_id,
    ):
        return holder_facts
    owner = live_shares.members.get(share.owner_membership)
    viewer = live_shares.members.get(share.viewer_membership)
    # A share ends with either membership: leaving and joining again does not revive it.
    if owner is None or viewer is None or actor.membership_id != share.viewer_membership:
        return holder_facts
    return replace(
        holder_facts,
        facts=holder_facts.facts | {Fact.SHARE_LIVE},
        fences=(*holder_facts.fences, owner, viewer, shares.make_fence(share)),
    )


def _add_cache_age(
    holder_facts: HolderFacts, view_request: CalendarViewRequest, at: datetime
) -> HolderFacts:
    hours = scopes.get_cache_hours(holder_facts.product, holder_facts.cache_hours)
    is_young = (
        view_request.calendar.is_known
        if view_request.names_only
        else view_request.calendar.is_current
    )
    if not is_young(hours=hours, at=at):
        return holder_facts
    return replace(holder_facts, facts=holder_facts.facts | {Fact.CACHE_CURRENT})
