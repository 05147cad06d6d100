from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from accounts.actors import ActorKind
from accounts.ids import uuid7
from limited_use.access_request import AccessRequest
from limited_use.ledger import entries
from limited_use.policy import policy_evaluation
from limited_use.policy.policy_evaluation import PolicyDecision
from limited_use.policy.policy_vocabulary import Fact


@dataclass(slots=True)
class DecisionEntries:
    """
    The entries of one guard call: one for each subject and data class.

    A subject may have a key for each part, such as each calendar; requests for its parts are one
    use.
    """

    moment: int
    records: list[tuple[UUID, dict[str, entries.EntryValue]]] = field(default_factory=list)
    _subject_indexes: dict[tuple[object, ...], int] = field(default_factory=dict)

    def add_request(self, request: AccessRequest, decision: PolicyDecision) -> UUID:
        index = len(self.records)
        if request.about is not None and request.item is None:
            subject_key = (
                request.about,
                request.use,
                decision,
                request.on_behalf_of,
                request.feature,
                request.actor,
            )
            index = self._subject_indexes.setdefault(subject_key, index)
        if index == len(self.records):
            self.records.append((uuid7(), build_decision_record(request, decision, self.moment)))
        elif request.count is not None:
            _, record = self.records[index]
            counted = record["count"]
            record["count"] = request.count + (counted if isinstance(counted, int) else 0)
        return self.records[index][0]


def build_decision_record(
    request: AccessRequest, decision: PolicyDecision, moment: int
) -> dict[str, entries.EntryValue]:
    """:param moment: of the decision, in milliseconds since the epoch"""
    use, actor = request.use, request.actor
    name = _choose_naming(request, decision)
    return {
        "event": "use.permitted" if decision.allowed else "use.refused",
        "at": moment,
        "class": use.data_class,
        "purpose": use.purpose,
        "recipient": use.recipient,
        "rule": decision.rule_id,
        "missing": sorted(decision.missing),
        "subject": name(request.about or request.holder),
        "actor": (entries.get_ledger_pseudonym if _acts_for_another(request) else name)(actor.id),
        "actor_kind": actor.kind,
        "on_behalf_of": name(request.on_behalf_of) if request.on_behalf_of is not None else None,
        "feature": request.feature or actor.feature,
        "count": request.count,
        **({"item": name(request.item)} if request.item is not None else {}),
        "policy": policy_evaluation.VERSION,
        "code": entries.get_code_revision(),
    }


def _acts_for_another(request: AccessRequest) -> bool:
    """
    Return whether a person acts for another, as support does.

    The service's own pseudonym then names the actor.
    """
    actor, owner_id = request.actor, request.on_behalf_of
    return actor.kind == ActorKind.PERSON and owner_id is not None and owner_id != actor.user_id


def _choose_naming(request: AccessRequest, decision: PolicyDecision) -> Callable[[UUID], str]:
    """
    Return the pseudonyms of an entry: the subject's own only for an involved actor.

    Otherwise the entry does not reveal whether the subject exists.
    """
    if request.names is None:
        return entries.get_ledger_pseudonym
    is_involved = (
        decision.allowed
        or request.actor.kind == ActorKind.SYSTEM
        or Fact.ACTOR_OWNS in request.facts
    )
    return request.names if is_involved else entries.get_ledger_pseudonym
