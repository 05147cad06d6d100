"""
The guard: a use and facts in, a ledger entry written, a permit out.

The only module that makes permits. What it decides is on disk before it
answers, refusals too; so it does not work inside somebody's transaction, whose
rollback would take the record along.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from django.db import connection, transaction

from accounts.actors import Actor, ActorKind
from accounts.ids import uuid7

from . import features, policy, wanting
from .ledger import entries
from .ledger.names import Naming
from .policy import Decision
from .vocabulary import Fact, Recipient, Use

logger = logging.getLogger(__name__)

# A share names a person, support is a person, and an export goes to the one who asked.
_OF_PERSONS = frozenset({Fact.SHARE_LIVE, Fact.ITEM_CONSENTED, Fact.EXPORT_ASKED})
# A permit serves the request or the task's page that asked for it.
LIFETIME = timedelta(seconds=60)


class FenceKind(StrEnum):
    DELEGATION = "delegation"
    MEMBERSHIP = "membership"
    CONSENT = "consent"
    SHARE = "share"


@dataclass(frozen=True, slots=True)
class Fence:
    """Something that can be withdrawn: each opening compares its epoch, and that it is live."""

    kind: FenceKind
    id: UUID
    epoch: int


@dataclass(frozen=True, slots=True)
class Ask:
    """One use of one holder's data of one class, with the facts that were found."""

    use: Use
    # Whose key: an integration, a connection for account and access token, or its grant.
    holder: UUID
    # The holder's fence epoch, as it was when the facts were found.
    epoch: int
    actor: Actor
    on_behalf_of: UUID | None
    facts: frozenset[Fact]
    fences: tuple[Fence, ...] = ()
    feature: str | None = None
    # How many rows the request will open, when known.
    count: int | None = None
    # The one row that it is about, where it is about one: its permit opens no other.
    item: UUID | None = None
    # Whose it is in the ledger, where the key's holder is but a part of that.
    about: UUID | None = None
    # What the ledger calls it and all who have to do with it, where it has names of its own.
    names: Naming | None = None


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


class Refused(Exception):
    """The policy does not allow it, and the ledger says so. Tell the caller which rule, and why."""

    def __init__(self, decision: Decision, entry_id: UUID, use: Use) -> None:
        super().__init__(decision.rule_id)
        self.decision = decision
        self.entry_id = entry_id
        self.use = use

    @property
    def says(self) -> str:
        """The rule in plain words, and what is missing for it, for whoever was refused."""
        return wanting.explain(self.decision)

    @property
    def missing(self) -> list[str]:
        """What was not found true, as far as whoever was refused may know."""
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


def decided(
    asks: Sequence[Ask], *, at: datetime
) -> tuple[list[Permit], Refused | None, list[tuple[UUID, dict[str, entries.Value]]]]:
    """
    Return what `permits` would grant, its first refusal, and the entries to write.

    For benchmarks, which measure this without the writing, and for tests.
    """
    answers, records = _answered(asks, at=at)
    granted = [one for one in answers if isinstance(one, Permit)]
    refused = next((one for one in answers if isinstance(one, Refused)), None)
    return granted, refused, records


def _answered(
    asks: Sequence[Ask], *, at: datetime
) -> tuple[list[Permit | Refused], list[tuple[UUID, dict[str, entries.Value]]]]:
    expires_at = at + LIFETIME
    written = _Entries(entries.milliseconds(at))
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
            )
        )
    return answers, written.records


@dataclass(slots=True)
class _Entries:
    """
    The entries of one request: one for each whole and data class.

    What has keys for its parts, as an integration has for the copy of each calendar, is asked for
    by part, and is one use of one thing all the same.
    """

    moment: int
    records: list[tuple[UUID, dict[str, entries.Value]]] = field(default_factory=list)
    _of_wholes: dict[tuple[object, ...], int] = field(default_factory=dict)

    def of(self, ask: Ask, decision: Decision) -> UUID:
        """Return the entry that stands for `ask`."""
        place = len(self.records)
        if ask.about is not None and ask.item is None:
            same = (ask.about, ask.use, decision, ask.on_behalf_of, ask.feature, ask.actor)
            place = self._of_wholes.setdefault(same, place)
        if place == len(self.records):
            self.records.append((uuid7(), _record(ask, decision, self.moment)))
        elif ask.count is not None:
            _, record = self.records[place]
            counted = record["count"]
            record["count"] = ask.count + (counted if isinstance(counted, int) else 0)
        return self.records[place][0]


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


def _record(ask: Ask, decision: Decision, moment: int) -> dict[str, entries.Value]:
    use, actor = ask.use, ask.actor
    name = _naming(ask, decision)
    return {
        "event": "use.permitted" if decision.allowed else "use.refused",
        "at": moment,
        "class": use.data_class,
        "purpose": use.purpose,
        "recipient": use.recipient,
        "rule": decision.rule_id,
        "missing": sorted(decision.missing),
        "subject": name(ask.about or ask.holder),
        "actor": (entries.pseudonym if _is_another(ask) else name)(actor.id),
        "actor_kind": actor.kind,
        "on_behalf_of": name(ask.on_behalf_of) if ask.on_behalf_of is not None else None,
        "feature": ask.feature or actor.feature,
        "count": ask.count,
        **({"item": name(ask.item)} if ask.item is not None else {}),
        "policy": policy.VERSION,
        "code": entries.code_revision(),
    }


def _is_another(ask: Ask) -> bool:
    """
    Return whether a person acts for somebody else, as support does.

    They go by the service's name for them: in all that they open, and for good.
    """
    actor = ask.actor
    return actor.kind == ActorKind.PERSON and ask.on_behalf_of not in {None, actor.user_id}


def _naming(ask: Ask, decision: Decision) -> Callable[[UUID], str]:
    """
    Return by which names the entry goes: its own only where the actor has to do with it.

    Somebody else's asking leaves the same trace whether there is such a thing or not.
    """
    if ask.names is None:
        return entries.pseudonym
    has_to_do = (
        decision.allowed or ask.actor.kind == ActorKind.SYSTEM or Fact.ACTOR_OWNS in ask.facts
    )
    return ask.names if has_to_do else entries.pseudonym


def _commit(records: Sequence[tuple[UUID, dict[str, entries.Value]]]) -> None:
    if connection.in_atomic_block or not connection.get_autocommit():
        # Raises, unless the transaction is one that a test case wraps around everything.
        with transaction.atomic(durable=True):
            entries.append_many(records)
    elif records:
        # One statement outside a transaction is a transaction, without two more round trips.
        entries.append_many(records)
