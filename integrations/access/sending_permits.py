"""
Permits for sending mail, proposing drafts and inviting guests.

As in `permits`, an unknown or foreign object has no facts: it is refused and recorded. Every
function raises `guard.AccessRefused`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from accounts import alarms
from accounts.actors import SYSTEM, Actor
from accounts.models import Membership
from integrations.models import OPEN_STATES, Integration, OutboxCommand, OutboxState
from limited_use.access_request import AccessRequest
from limited_use.guard import guard
from limited_use.policy.policy_vocabulary import DataClass, Fact, Purpose, Recipient, Use
from limited_use.policy.rules import SENDING_LIMITS

from . import facts, sending_bounds
from .facts import HolderFacts, RequiredConsent
from .permits import Permits
from .sending_bounds import OutgoingMessage

_MAIL: Final = (DataClass.MAIL_METADATA, DataClass.MAIL_CONTENT)
_LIMIT_RULES: Final = frozenset(rule.id for rule in SENDING_LIMITS)
#: States in which a command may still be sent, or looked for.
_ORDERED_STATES: Final = (*OPEN_STATES, OutboxState.UNKNOWN)


def to_order_mail(
    *, actor: Actor, integration_id: UUID, message: OutgoingMessage, at: datetime
) -> Permits:
    """The person sends one message. The permits seal it for the outbox."""
    holder_facts = _find_sending_facts(integration_id, actor, at)
    bound_facts = sending_bounds.find_bound_facts(message, at=at)
    holder_facts = replace(holder_facts, facts=holder_facts.facts | bound_facts)
    return _get_permits(
        [
            _build_request(
                Use(data_class, Purpose.MAIL_SEND, Recipient.OWN_PROVIDER),
                integration_id,
                holder_facts,
                actor=actor,
            )
            for data_class in _MAIL
        ],
        at=at,
    )


def to_send_command(*, command: OutboxCommand, at: datetime) -> Permits:
    """
    The service sends what the owner ordered, while the owner is a member of the organisation. The
    permits open the message for its provider.
    """
    holder_facts = _find_sending_facts(command.integration_id, SYSTEM, at)
    ordered = OutboxCommand.objects.filter(
        id=command.id, integration_id=command.integration_id, state__in=_ORDERED_STATES
    )
    members = Membership.objects.live().filter(
        user_id=command.user_id, organisation_id=command.organisation_id
    )
    if ordered.exists() and members.exists():
        # A command is stored only within the bounds.
        true_facts = {Fact.SEND_ORDERED} | sending_bounds.ALL_WITHIN
        holder_facts = replace(holder_facts, facts=holder_facts.facts | true_facts)
    return _get_permits(
        [
            _build_request(
                Use(data_class, Purpose.MAIL_SEND, Recipient.OWN_PROVIDER),
                command.integration_id,
                holder_facts,
            )
            for data_class in _MAIL
        ],
        at=at,
    )


def to_store_outbox(*, actor: Actor, integration_id: UUID, at: datetime) -> Permits:
    """The person stores a file, a signature or an unsent text."""
    return _get_permits(
        [
            _build_request(
                Use(data_class, Purpose.MAIL_SEND, Recipient.VAULT),
                integration_id,
                _find_sending_facts(integration_id, actor, at),
                actor=actor,
            )
            for data_class in _MAIL
        ],
        at=at,
    )


def to_read_outbox(
    *,
    actor: Actor,
    counts: Mapping[UUID, int],
    at: datetime,
    data_classes: Sequence[DataClass] = _MAIL,
) -> Permits:
    """
    The person reads messages of the outbox, and proposed drafts.

    :param counts: rows, by integration
    """
    if not counts:
        return {}
    facts_by_id = facts.for_integrations(
        list(counts), actor=actor, at=at, consent=facts.SENDING_CONSENT
    )
    requests = []
    for integration_id, count in counts.items():
        # A withdrawn agreement does not hide the owner's own words.
        holder_facts = facts_by_id[integration_id].keep_membership_fences()
        for data_class in data_classes:
            request = _build_request(
                Use(data_class, Purpose.MAIL_SEND, Recipient.OWNER),
                integration_id,
                holder_facts,
                actor=actor,
            )
            requests.append(replace(request, count=count))
    return _get_permits(requests, at=at)


def to_compare_recipients(
    *, actor: Actor, integration_id: UUID, count: int, at: datetime
) -> Permits:
    """
    The service compares the recipients of a proposed draft with the owner's mail.

    :param count: messages to open
    """
    request = _build_request(
        Use(DataClass.MAIL_METADATA, Purpose.DRAFT_PROPOSE, Recipient.VAULT),
        integration_id,
        _find_sending_facts(integration_id, actor, at),
        actor=actor,
    )
    return _get_permits([replace(request, count=count)], at=at)


def to_propose_draft(  # noqa: PLR0913 - the facts that the caller found
    *,
    actor: Actor,
    integration_id: UUID,
    recipient_count: int,
    are_recipients_known: bool,
    is_template_within_bound: bool,
    at: datetime,
) -> Permits:
    """A feature proposes a draft to the owner. The permits seal it, and open nothing."""
    holder_facts = _find_sending_facts(integration_id, actor, at)
    true_facts = set(holder_facts.facts)
    if recipient_count <= sending_bounds.MAX_RECIPIENTS:
        true_facts.add(Fact.RECIPIENTS_WITHIN_BOUND)
    if are_recipients_known:
        true_facts.add(Fact.RECIPIENTS_KNOWN)
    if is_template_within_bound:
        true_facts.add(Fact.TEMPLATE_WITHIN_BOUND)
    return _get_permits(
        [
            _build_request(
                Use(data_class, Purpose.DRAFT_PROPOSE, Recipient.PLATFORM_FEATURE),
                integration_id,
                replace(holder_facts, facts=frozenset(true_facts)),
                actor=actor,
            )
            for data_class in _MAIL
        ],
        at=at,
    )


def refuse_feature(*, actor: Actor, at: datetime) -> None:
    """
    Refuse a feature that tries to send or to read the outbox, for each of the person's mailboxes.

    :raises guard.AccessRefused: always
    """
    unknown_id = UUID(int=0)
    mailboxes = Integration.objects.live().owned_by(
        actor.user_id or unknown_id, actor.organisation_id or unknown_id
    )
    ids = list(mailboxes.filter(product="mail").values_list("id", flat=True))
    # Without mailboxes, the refusal is about the feature's delegation.
    about = ids or [actor.delegation_id or actor.id]
    facts_by_id = facts.for_integrations(about, actor=actor, at=at, consent=facts.SENDING_CONSENT)
    use = Use(DataClass.MAIL_CONTENT, Purpose.MAIL_SEND, Recipient.PLATFORM_FEATURE)
    _get_permits(
        [_build_request(use, holder, facts_by_id[holder], actor=actor) for holder in about], at=at
    )
    # The policy forbids the use with any facts. If it did not, the error would stop the request.
    raise RuntimeError("a feature was permitted to send")


def to_invite_guests(
    *, actor: Actor, integration_id: UUID, message: OutgoingMessage, at: datetime
) -> Permits:
    """The person's provider mails the guests of an event."""
    holder_facts = _find_facts(integration_id, actor, at, facts.EDITING_CONSENT)
    bound_facts = sending_bounds.find_bound_facts(message, at=at)
    request = _build_request(
        Use(DataClass.CALENDAR_EVENT, Purpose.CALENDAR_INVITE, Recipient.OWN_PROVIDER),
        integration_id,
        replace(holder_facts, facts=holder_facts.facts | bound_facts),
        actor=actor,
        feature=facts.EDITING_CONSENT.feature_key,
    )
    return _get_permits([request], at=at)


def _find_sending_facts(integration_id: UUID, actor: Actor, at: datetime) -> HolderFacts:
    return _find_facts(integration_id, actor, at, facts.SENDING_CONSENT)


def _find_facts(
    integration_id: UUID, actor: Actor, at: datetime, consent: RequiredConsent
) -> HolderFacts:
    return facts.for_integrations([integration_id], actor=actor, at=at, consent=consent)[
        integration_id
    ]


def _build_request(
    use: Use,
    integration_id: UUID,
    holder_facts: HolderFacts,
    *,
    actor: Actor = SYSTEM,
    feature: str = facts.SENDING_CONSENT.feature_key,
) -> AccessRequest:
    return AccessRequest(
        use=use,
        holder=integration_id,
        epoch=holder_facts.epoch,
        actor=actor,
        on_behalf_of=holder_facts.owner_id if actor is SYSTEM else actor.user_id,
        facts=holder_facts.facts,
        fences=holder_facts.fences,
        feature=actor.feature or feature,
        count=1,
        account=holder_facts.connection_id,
        names=holder_facts.names,
    )


def _get_permits(requests: list[AccessRequest], *, at: datetime) -> Permits:
    try:
        granted = guard.permits(requests, at=at)
    except guard.AccessRefused as refusal:
        _report_reached_limit(refusal, requests[0], at)
        raise
    return {(permit.holder, permit.use.data_class): permit for permit in granted}


def _report_reached_limit(
    refusal: guard.AccessRefused, request: AccessRequest, at: datetime
) -> None:
    """Alarm the operator: a stolen session or a campaign may be the cause."""
    if refusal.decision.rule_id in _LIMIT_RULES and request.on_behalf_of is not None:
        alarms.raise_alarm(
            kind="sending.limit_reached",
            about=request.on_behalf_of,
            window=f"{refusal.decision.rule_id} {request.feature or ''}"[:64],
            body={"rule": refusal.decision.rule_id, "feature": request.feature or ""},
            at=at,
        )
