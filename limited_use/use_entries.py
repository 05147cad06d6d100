"""What the ledger says of a decided use: words of the policy, numbers and pseudonyms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from accounts.actors import ActorKind
from accounts.ids import uuid7

from . import policy
from .asks import Ask
from .ledger import entries
from .policy import Decision
from .vocabulary import Fact


@dataclass(slots=True)
class Entries:
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
            self.records.append((uuid7(), record_of(ask, decision, self.moment)))
        elif ask.count is not None:
            _, record = self.records[place]
            counted = record["count"]
            record["count"] = ask.count + (counted if isinstance(counted, int) else 0)
        return self.records[place][0]


def record_of(ask: Ask, decision: Decision, moment: int) -> dict[str, entries.Value]:
    """
    Return what the entry of one decision says.

    :param moment: of the decision, in milliseconds since the epoch
    """
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
    actor, whose = ask.actor, ask.on_behalf_of
    return actor.kind == ActorKind.PERSON and whose is not None and whose != actor.user_id


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
