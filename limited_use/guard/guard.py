"""
Decide access requests, record each decision in the ledger, and return permits.

The only module that makes permits. Decisions, refusals included, are on disk before it answers.
So it refuses to run inside a transaction, whose rollback would remove the record.
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
from limited_use.policy import evaluation, features, refusal_text
from limited_use.policy.evaluation import Decision
from limited_use.policy.vocabulary import Fact, Recipient, Use

from . import decision_entries

logger = logging.getLogger(__name__)

# A share names a person, support is a person, and an export goes to the person who requested it.
_OF_PERSONS = frozenset({Fact.SHARE_LIVE, Fact.ITEM_CONSENTED, Fact.EXPORT_ASKED})
# A permit serves one HTTP request, or one page of a task.
LIFETIME = timedelta(seconds=60)


class Refused(Exception):
    """The policy refused the request, and the ledger records it. Name the rule and the reason."""

    def __init__(self, decision: Decision, entry_id: UUID, use: Use) -> None:
        super().__init__(decision.rule_id)
        self.decision = decision
        self.entry_id = entry_id
        self.use = use

    @property
    def says(self) -> str:
        """The rule, and what is missing for it, in sentences for the person who was refused."""
        return refusal_text.explain(self.decision)

    @property
    def missing(self) -> list[str]:
        """The facts that are missing, of those that the person who was refused may know."""
        return sorted(refusal_text.told(self.decision))


def permit(request: AccessRequest, *, at: datetime) -> Permit:
    """Return a permit for one use. See `permits`."""
    return permits([request], at=at)[0]


def permits(requests: Sequence[AccessRequest], *, at: datetime) -> list[Permit]:
    """
    Record every decision and return a permit for each request.

    All or none: one refusal refuses them all, after every decision is recorded.

    :raises Refused: the first refusal, if there is one
    :raises RuntimeError: inside a transaction
    """
    answers = each(requests, at=at)
    granted = [answer for answer in answers if isinstance(answer, Permit)]
    if len(granted) == len(answers):
        return granted
    raise next(answer for answer in answers if isinstance(answer, Refused))


def each(requests: Sequence[AccessRequest], *, at: datetime) -> list[Permit | Refused]:
    """
    Record every decision and return a permit or a refusal for each request.

    For data of several people, where a refusal for one is none for the others.

    :raises RuntimeError: inside a transaction
    """
    answers, records = _answered(requests, at=at)
    _commit(records)
    for request, answer in zip(requests, answers, strict=True):
        if isinstance(answer, Refused):
            # One log line is enough for all of the requests.
            _log(answer, request)
            break
    return answers


def would_refuse(requests: Sequence[AccessRequest]) -> list[AccessRequest]:
    """
    Return the requests that the policy would refuse now, for later uses.

    Makes no permit and records nothing. A caller that stops because of a refusal passes the
    refused requests to `permits`, which records them. A caller that goes on calls `permits` before
    each use.
    """
    return [
        request
        for request in requests
        if not evaluation.decide(request.use, found(request)).allowed
    ]


def _log(refused: Refused, request: AccessRequest) -> None:
    logger.warning(
        "use.refused",
        extra={
            "about": request.about or request.holder,
            "entry_id": refused.entry_id,
            "rule_id": refused.decision.rule_id,
            # Joined by a bar, because log fields hold names and no text.
            "clause": "|".join(refused.decision.clauses),
            "feature": request.feature or request.actor.feature,
            "purpose": request.use.purpose,
            "data_class": request.use.data_class,
        },
    )


def _answered(
    requests: Sequence[AccessRequest], *, at: datetime
) -> tuple[list[Permit | Refused], list[tuple[UUID, dict[str, entries.Value]]]]:
    expires_at = at + LIFETIME
    written = decision_entries.Entries(entries.milliseconds(at))
    answers: list[Permit | Refused] = []
    for request in requests:
        decision = evaluation.decide(request.use, found(request))
        entry_id = written.of(request, decision)
        if not decision.allowed:
            answers.append(Refused(decision, entry_id, request.use))
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
    return answers, written.records


def found(request: AccessRequest) -> frozenset[Fact]:
    """
    Return the facts that count: those of the request, without those that its actor cannot have.

    A client's registration is read from the feature registry, so a row that was edited by hand
    grants nothing. The recipient must fit the actor: a client is never the owner, a person never
    a feature.
    """
    facts, actor, use = request.facts, request.actor, request.use
    drop = {Fact.FEATURE_REGISTERED}
    if actor.kind != ActorKind.PERSON:
        drop |= _OF_PERSONS
    # Consent is to one item, and to another reader: owners are not their own support.
    if request.item is None or actor.user_id == request.on_behalf_of:
        drop.add(Fact.ITEM_CONSENTED)
    if actor.kind == ActorKind.CLIENT:
        is_registered = (
            request.feature in {None, actor.feature}
            and actor.purpose == use.purpose
            and features.registered(
                actor.feature, purpose=use.purpose, data_class=use.data_class, client=True
            )
        )
        if use.recipient == Recipient.OWNER:
            drop.add(Fact.ACTOR_OWNS)
    else:
        is_registered = (
            features.registered(
                request.feature, purpose=use.purpose, data_class=use.data_class, client=False
            )
            if request.feature is not None
            else features.shown_to_owner(use.purpose, use.data_class)
        )
        drop.add(Fact.DELEGATION_LIVE)
        if actor.kind == ActorKind.SYSTEM:
            drop.add(Fact.ACTOR_OWNS)
    kept = facts - drop
    return kept | {Fact.FEATURE_REGISTERED} if is_registered else kept


def _commit(records: Sequence[tuple[UUID, dict[str, entries.Value]]]) -> None:
    if connection.in_atomic_block or not connection.get_autocommit():
        # Raises, unless the transaction is one that a test case wraps around everything.
        with transaction.atomic(durable=True):
            entries.append_many(records)
    elif records:
        # One statement outside a transaction is a transaction, without two more round trips.
        entries.append_many(records)
