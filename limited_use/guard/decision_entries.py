"""The ledger entries of decisions: words of the policy, numbers and pseudonyms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from accounts.actors import ActorKind
from accounts.ids import uuid7
from limited_use.access_request import AccessRequest
from limited_use.ledger import entries
from limited_use.policy import evaluation
from limited_use.policy.evaluation import Decision
from limited_use.policy.vocabulary import Fact


@dataclass(slots=True)
class Entries:
    """
    The entries of one guard call: one for each subject and data class.

    A subject may have a key for each part, as an integration has for the copy of each calendar.
    The requests for its parts are then one use, with one entry.
    """

    moment: int
    records: list[tuple[UUID, dict[str, entries.Value]]] = field(default_factory=list)
    _of_wholes: dict[tuple[object, ...], int] = field(default_factory=dict)

    def of(self, request: AccessRequest, decision: Decision) -> UUID:
        """Return the id of the entry that records the request."""
        place = len(self.records)
        if request.about is not None and request.item is None:
            same = (
                request.about,
                request.use,
                decision,
                request.on_behalf_of,
                request.feature,
                request.actor,
            )
            place = self._of_wholes.setdefault(same, place)
        if place == len(self.records):
            self.records.append((uuid7(), record_of(request, decision, self.moment)))
        elif request.count is not None:
            _, record = self.records[place]
            counted = record["count"]
            record["count"] = request.count + (counted if isinstance(counted, int) else 0)
        return self.records[place][0]


def record_of(request: AccessRequest, decision: Decision, moment: int) -> dict[str, entries.Value]:
    """
    Return the content of one decision's entry.

    :param moment: of the decision, in milliseconds since the epoch
    """
    use, actor = request.use, request.actor
    name = _naming(request, decision)
    return {
        "event": "use.permitted" if decision.allowed else "use.refused",
        "at": moment,
        "class": use.data_class,
        "purpose": use.purpose,
        "recipient": use.recipient,
        "rule": decision.rule_id,
        "missing": sorted(decision.missing),
        "subject": name(request.about or request.holder),
        "actor": (entries.pseudonym if _is_another(request) else name)(actor.id),
        "actor_kind": actor.kind,
        "on_behalf_of": name(request.on_behalf_of) if request.on_behalf_of is not None else None,
        "feature": request.feature or actor.feature,
        "count": request.count,
        **({"item": name(request.item)} if request.item is not None else {}),
        "policy": evaluation.VERSION,
        "code": entries.code_revision(),
    }


def _is_another(request: AccessRequest) -> bool:
    """
    Return whether a person acts for another person, as support does.

    Entries then name the actor by the service's own pseudonym, in all that they open, for good.
    """
    actor, whose = request.actor, request.on_behalf_of
    return actor.kind == ActorKind.PERSON and whose is not None and whose != actor.user_id


def _naming(request: AccessRequest, decision: Decision) -> Callable[[UUID], str]:
    """
    Return the pseudonyms of an entry: the subject's own only if the actor is involved with it.

    The request of an uninvolved actor leaves the same entry whether the subject exists or not.
    """
    if request.names is None:
        return entries.pseudonym
    is_involved = (
        decision.allowed
        or request.actor.kind == ActorKind.SYSTEM
        or Fact.ACTOR_OWNS in request.facts
    )
    return request.names if is_involved else entries.pseudonym
