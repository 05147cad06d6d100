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
from integrations.access.facts import HolderFacts, RequiredConsent
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
class CalendarViewRequest:
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


def to_view(*, actor: Actor, view_requests: Sequence[CalendarViewRequest], at: datetime) -> Permits:
    """
    Return permits to show calendars to `actor`, by the copy and data class; one question.

    :raises guard.Refused: if one is neither theirs nor shared with them, or its copy is too old
    """
    if not view_requests:
        return {}
    granted = guard.permits(_build_requests(actor, view_requests, at), at=at)
    return {(permit.holder, permit.use.data_class): permit for permit in granted}


def to_view_separately(
    *,
    actor: Actor,
    view_requests: Sequence[CalendarViewRequest],
    at: datetime,
    required_calendar_id: UUID | None = None,
) -> Permits:
    """
    Return as `to_view`, where what others share is refused each by itself and left out.

    For a question about many people: what one of them ended takes nothing from the others.

    :param needed: the calendar without which there is no answer, though it be somebody else's
    :raises guard.Refused: if something of their own may not be shown, or of that one
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
    for request, answer in zip(requests, guard.decide_each(requests, at=at), strict=True):
        if isinstance(answer, Permit):
            granted[request.holder, request.use.data_class] = answer
        elif request.use.purpose != Purpose.CALENDAR_SHARE or request.holder in required_holders:
            raise answer
    return granted


def allows_all(permits: Permits, calendar: Calendar, data_classes: Collection[DataClass]) -> bool:
    """Return whether all of these may be shown of a calendar."""
    return all((calendar.cache_id, data_class) in permits for data_class in data_classes)


def refuse_client_for_others(*, actor: Actor, at: datetime) -> None:
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
    """Return the agreement of its owner that showing a calendar rests on."""
    if view_request.share is not None:
        return facts.SHARING_CONSENT
    return facts.get_calendar_consent(is_local=view_request.calendar.is_local)


def _find_facts(
    view_requests: Iterable[CalendarViewRequest], actor: Actor, at: datetime
) -> Mapping[tuple[RequiredConsent, UUID], HolderFacts]:
    """Return what was found of each calendar's integration, in one query."""
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
    # The purpose is the token's. One that the vocabulary lacks is passed on: the policy refuses
    # it, and the ledger says so.
    purpose = cast("Purpose", actor.purpose or "") if is_client else Purpose.CALENDAR_SCHEDULE
    recipient = Recipient.PLATFORM_FEATURE if is_client else Recipient.OWNER
    feature = actor.feature if is_client else consent.feature_key
    for data_class in view_request.data_classes:
        request = access_requests.for_calendar(
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
        request = access_requests.for_calendar(
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
            # It shows less than what is asked for: for that, there is no share.
            request = replace(request, facts=request.facts - {Fact.SHARE_LIVE})
        yield replace(request, count=view_request.count, on_behalf_of=holder_facts.owner_id)


@dataclass(frozen=True, slots=True)
class _LiveShares:
    """Shares as the database has them now, whoever brought them, and who still belongs."""

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
    """Return what was found, with the share if it stands."""
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
    # Whoever left and came back is shown nothing by a share from before.
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
    """Return `found`, with the fact `CACHE_CURRENT` if the calendar's copy is young enough."""
    hours = scopes.get_cache_hours(holder_facts.product, holder_facts.cache_hours)
    is_young = (
        view_request.calendar.is_known
        if view_request.names_only
        else view_request.calendar.is_current
    )
    if not is_young(hours=hours, at=at):
        return holder_facts
    return replace(holder_facts, facts=holder_facts.facts | {Fact.CACHE_CURRENT})
