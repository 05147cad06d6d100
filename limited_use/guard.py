"""
The guard: a use and facts in, a ledger entry written, a permit out.

The only module that makes permits. What it decides is on disk before it
answers, refusals too; so it does not work inside somebody's transaction, whose
rollback would take the record along.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction

from accounts.actors import Actor, ActorKind

from . import features, policy, use_entries, wanting
from .asks import Ask, Fence, FenceKind
from .ledger import entries
from .policy import Decision
from .vocabulary import Fact, Recipient, Use

__all__ = [
    "Ask",
    "Fence",
    "FenceKind",
    "Permit",
    "Refused",
    "each",
    "found",
    "permit",
    "permits",
    "would_refuse",
]

logger = logging.getLogger(__name__)

# A share names a person, support is a person, and an export goes to the one who asked.
_OF_PERSONS = frozenset({Fact.SHARE_LIVE, Fact.ITEM_CONSENTED, Fact.EXPORT_ASKED})
# A permit serves the request or the task's page that asked for it.
LIFETIME = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Permit:
    """One use, decided and recorded: opens that data class of one holder, for a minute at most."""

    use: Use
    holder: UUID
    epoch: int
    actor: Actor
    fences: tuple[Fence, ...]
    entry_id: UUID
    expires_at: datetime
    item: UUID | None = None
    # The only account at a provider that it may go back to.
    account: UUID | None = None


class Refused(Exception):
    """The policy does not allow it, and the ledger says so. Tell the caller which rule, and why."""

    def __init__(self, decision: Decision, entry_id: UUID, use: Use) -> None:
        super().__init__(decision.rule_id)
        self.decision = decision
        self.entry_id = entry_id
        self.use = use

    @property
    def says(self) -> str:
        """The rule, and what is missing for it, in sentences for the person who was refused."""
        return wanting.explain(self.decision)

    @property
    def missing(self) -> list[str]:
        """The facts that are missing, of those that the person who was refused may know."""
        return sorted(wanting.told(self.decision))


def permit(ask: Ask, *, at: datetime) -> Permit:
    """Return a permit for one use. See `permits`."""
    return permits([ask], at=at)[0]


def permits(asks: Sequence[Ask], *, at: datetime) -> list[Permit]:
    """
    Return a permit for each of `asks`, having recorded every decision.

    All or none: one refusal refuses the request, after all of it is recorded.

    :raises Refused: the first refusal, if the policy does not allow something
    :raises RuntimeError: inside a transaction
    """
    answers = each(asks, at=at)
    granted = [one for one in answers if isinstance(one, Permit)]
    if len(granted) == len(answers):
        return granted
    raise next(one for one in answers if isinstance(one, Refused))


def each(asks: Sequence[Ask], *, at: datetime) -> list[Permit | Refused]:
    """
    Return for each of `asks` a permit or why there is none, having recorded every decision.

    For a question about several people's things, where one's refusal is not another's.

    :raises RuntimeError: inside a transaction
    """
    answers, records = _answered(asks, at=at)
    _commit(records)
    for ask, answer in zip(asks, answers, strict=True):
        if isinstance(answer, Refused):
            # Once for a request, whichever of its entries it was.
            _log(answer, ask)
            break
    return answers


def would_refuse(asks: Sequence[Ask]) -> list[Ask]:
    """
    Return those of `asks` that the policy would refuse now, for uses that are yet to come.

    Gives no permit and records nothing. A caller that stops because of the answer passes the
    refused asks to `permits`, which records them. A caller that goes on asks `permits` before each
    use.
    """
    return [ask for ask in asks if not policy.decide(ask.use, found(ask)).allowed]


def _log(refused: Refused, ask: Ask) -> None:
    logger.warning(
        "use.refused",
        extra={
            "about": ask.about or ask.holder,
            "entry_id": refused.entry_id,
            "rule_id": refused.decision.rule_id,
            # Parted so that it is no text: a log line takes names alone.
            "clause": "|".join(refused.decision.clauses),
            "feature": ask.feature or ask.actor.feature,
            "purpose": ask.use.purpose,
            "data_class": ask.use.data_class,
        },
    )


def _answered(
    asks: Sequence[Ask], *, at: datetime
) -> tuple[list[Permit | Refused], list[tuple[UUID, dict[str, entries.Value]]]]:
    expires_at = at + LIFETIME
    written = use_entries.Entries(entries.milliseconds(at))
    answers: list[Permit | Refused] = []
    for ask in asks:
        decision = policy.decide(ask.use, found(ask))
        entry_id = written.of(ask, decision)
        if not decision.allowed:
            answers.append(Refused(decision, entry_id, ask.use))
            continue
        answers.append(
            Permit(
                ask.use,
                ask.holder,
                ask.epoch,
                ask.actor,
                ask.fences,
                entry_id,
                expires_at,
                ask.item,
                ask.account,
            )
        )
    return answers, written.records


def found(ask: Ask) -> frozenset[Fact]:
    """
    Return the facts that may count: those of `ask`, less what its actor cannot have.

    A client's registration is read from the registry here and now, so a row
    that somebody edited by hand grants nothing; and the recipient follows from
    who acts: a client is never the owner, a person never a feature.
    """
    facts, actor, use = ask.facts, ask.actor, ask.use
    drop = {Fact.FEATURE_REGISTERED}
    if actor.kind != ActorKind.PERSON:
        drop |= _OF_PERSONS
    # Agreed to for one item, and for somebody else to read: nobody is their own support.
    if ask.item is None or actor.user_id == ask.on_behalf_of:
        drop.add(Fact.ITEM_CONSENTED)
    if actor.kind == ActorKind.CLIENT:
        is_registered = (
            ask.feature in {None, actor.feature}
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
                ask.feature, purpose=use.purpose, data_class=use.data_class, client=False
            )
            if ask.feature is not None
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
