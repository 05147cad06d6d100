"""
Decides access requests, records each decision in the ledger, and returns permits.

Only this module makes permits. Decisions and refusals are on disk before the answer, so the guard
refuses to run inside a transaction, which could roll back.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction

from accounts.actors import ActorKind
from limited_use.access_request import AccessRequest, Permit
from limited_use.ledger import entries
from limited_use.policy import feature_registry, policy_evaluation, refusal_text
from limited_use.policy.policy_evaluation import PolicyDecision
from limited_use.policy.policy_vocabulary import Fact, Use

from . import decision_entries

logger = logging.getLogger(__name__)

# Shares name people, support is a person, and exports go to the person who asked.
_PERSON_FACTS = frozenset(
    {Fact.SHARE_LIVE, Fact.ITEM_CONSENTED, Fact.EXPORT_ASKED, Fact.AGENT_IS_SUPPORT}
)
# A permit serves one HTTP request, or one page of a task.
PERMIT_LIFETIME = timedelta(seconds=60)


class AccessRefused(Exception):
    """
    The policy refused the request, and the ledger records it.

    :param token_purpose: the purpose of a client's token; None: the actor is no client
    """

    def __init__(
        self,
        decision: PolicyDecision,
        entry_id: UUID,
        use: Use,
        *,
        token_purpose: str | None = None,
    ) -> None:
        super().__init__(decision.rule_id)
        self.decision = decision
        self.entry_id = entry_id
        self.use = use
        self.token_purpose = token_purpose

    @property
    def message(self) -> str:
        """The rule and the missing facts, in sentences for the refused person."""
        return refusal_text.explain_refusal(
            self.decision, self.use, token_purpose=self.token_purpose
        )

    @property
    def missing(self) -> list[str]:
        return sorted(refusal_text.get_disclosed_facts(self.decision))


def permit(request: AccessRequest, *, at: datetime) -> Permit:
    return permits([request], at=at)[0]


def permits(requests: Sequence[AccessRequest], *, at: datetime) -> list[Permit]:
    """
    Record every decision and return a permit for each request: all or none.

    :raises AccessRefused: the first refusal
    :raises RuntimeError: inside a transaction
    """
    answers = decide_each_request(requests, at=at)
    granted = [answer for answer in answers if isinstance(answer, Permit)]
    if len(granted) == len(answers):
        return granted
    raise next(answer for answer in answers if isinstance(answer, AccessRefused))


def decide_each_request(
    requests: Sequence[AccessRequest], *, at: datetime
) -> list[Permit | AccessRefused]:
    """
    Record every decision and return a permit or a refusal for each request, as of several people.

    :raises RuntimeError: inside a transaction
    """
    answers, records = _decide_requests(requests, at=at)
    _commit_records(records)
    for request, answer in zip(requests, answers, strict=True):
        if isinstance(answer, AccessRefused):
            # One log line covers all of the requests.
            _log_refusal(answer, request)
            break
    return answers


def list_refused_requests(requests: Sequence[AccessRequest]) -> list[AccessRequest]:
    """
    Return the requests that the policy would refuse now. Makes no permit and records nothing.

    `permits` records refusals, and is still necessary before each use.
    """
    return [
        request
        for request in requests
        if not policy_evaluation.decide_data_use(request.use, filter_access_facts(request)).allowed
    ]


def _log_refusal(refusal: AccessRefused, request: AccessRequest) -> None:
    logger.warning(
        "use.refused",
        extra={
            "about": request.about or request.holder,
            "entry_id": refusal.entry_id,
            "rule_id": refusal.decision.rule_id,
            # Joined by a bar, because log fields hold no prose.
            "clause": "|".join(refusal.decision.clauses),
            "feature": request.feature or request.actor.feature,
            "purpose": request.use.purpose,
            "data_class": request.use.data_class,
        },
    )


def _decide_requests(
    requests: Sequence[AccessRequest], *, at: datetime
) -> tuple[list[Permit | AccessRefused], list[tuple[UUID, dict[str, entries.EntryValue]]]]:
    expires_at = at + PERMIT_LIFETIME
    decision_log = decision_entries.DecisionEntries(entries.to_milliseconds(at))
    answers: list[Permit | AccessRefused] = []
    for request in requests:
        decision = policy_evaluation.decide_data_use(request.use, filter_access_facts(request))
        entry_id = decision_log.add_request(request, decision)
        if not decision.allowed:
            answers.append(
                AccessRefused(
                    decision, entry_id, request.use, token_purpose=_get_token_purpose(request)
                )
            )
            continue
        answers.append(
            Permit(
                request.use,
                request.holder,
                request.epoch,
                request.actor,
                request.fences,
                entry_id,
                expires_at,
                request.item,
                request.account,
            )
        )
    return answers, decision_log.records


def _get_token_purpose(request: AccessRequest) -> str | None:
    return (request.actor.purpose or "") if request.actor.kind == ActorKind.CLIENT else None


def filter_access_facts(request: AccessRequest) -> frozenset[Fact]:
    """
    Return the request's facts without those that its actor cannot have.

    Only the feature registry proves a client's registration, never a stored row. A client is never
    the owner, and never acts at the provider as the owner; a person is never a feature.
    """
    facts, actor, use = request.facts, request.actor, request.use
    dropped_facts = {Fact.FEATURE_REGISTERED}
    if actor.kind != ActorKind.PERSON:
        dropped_facts |= _PERSON_FACTS
    # Consent is for one item and another reader: owners are not their own support.
    if request.item is None or actor.user_id == request.on_behalf_of:
        dropped_facts.add(Fact.ITEM_CONSENTED)
    if actor.kind == ActorKind.CLIENT:
        is_registered = (
            request.feature in {None, actor.feature}
            and actor.purpose == use.purpose
            and feature_registry.is_feature_use_registered(
                actor.feature, purpose=use.purpose, data_class=use.data_class, client=True
            )
        )
        if policy_evaluation.is_for_owner_alone(use):
            dropped_facts.add(Fact.ACTOR_OWNS)
    else:
        is_registered = (
            feature_registry.is_feature_use_registered(
                request.feature, purpose=use.purpose, data_class=use.data_class, client=False
            )
            if request.feature is not None
            else feature_registry.does_feature_declare_use(use.purpose, use.data_class)
        )
        dropped_facts.add(Fact.DELEGATION_LIVE)
        if actor.kind == ActorKind.SYSTEM:
            dropped_facts.add(Fact.ACTOR_OWNS)
    counted_facts = facts - dropped_facts
    return counted_facts | {Fact.FEATURE_REGISTERED} if is_registered else counted_facts


def _commit_records(records: Sequence[tuple[UUID, dict[str, entries.EntryValue]]]) -> None:
    if connection.in_atomic_block or not connection.get_autocommit():
        # Raises, except inside a test case's outer transaction.
        with transaction.atomic(durable=True):
            entries.append_ledger_entries(records)
    elif records:
        # A single statement is its own transaction, and saves two round trips.
        entries.append_ledger_entries(records)
