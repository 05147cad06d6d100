"""The rules of the policy, in the languages of two policy engines."""

from __future__ import annotations

import random
from collections.abc import Iterable
from itertools import product
from typing import Any, NamedTuple

import casbin
import cedarpy
from casbin.model import Model

from limited_use.policy import policy_evaluation
from limited_use.policy.policy_evaluation import RULES
from limited_use.policy.policy_vocabulary import DataClass, Fact, Purpose, Recipient, Use
from limited_use.policy.rules import ANY_REASON, EVERYONE, EVERYTHING, PolicyRule


class Case(NamedTuple):
    use: Use
    facts: frozenset[Fact]


class Cedar:
    """Cedar through its Rust core: one policy per rule, the use and the facts as context."""

    def __init__(self) -> None:
        self._policies = cedarpy.PolicySet.from_str("\n".join(map(self._policy, RULES)))
        self._entities = cedarpy.Entities.from_json_str("[]")

    def request(self, case: Case) -> dict[str, Any]:
        use = case.use
        return {
            "principal": 'Actor::"one"',
            "action": 'Action::"use"',
            "resource": 'Data::"one"',
            "context": {
                "data_class": str(use.data_class),
                "purpose": str(use.purpose),
                "recipient": str(use.recipient),
                "facts": [str(fact) for fact in case.facts],
            },
        }

    def allows(self, request: Any) -> bool:
        return cedarpy.is_authorized(request, self._policies, self._entities).allowed

    @staticmethod
    def _policy(rule: PolicyRule) -> str:
        clauses = [
            f"{_cedar_set(words)}.contains(context.{name})"
            for name, words, whole in _covers(rule)
            if words != whole
        ]
        if rule.needs:
            clauses.append(f"context.facts.containsAll({_cedar_set(rule.needs)})")
        effect = "permit" if rule.allow else "forbid"
        policy = f"{effect}(principal, action, resource) when {{ {' && '.join(clauses)} }}"
        if rule.unless:
            policy += f" unless {{ context.facts.containsAll({_cedar_set(rule.unless)}) }}"
        return f"{policy};"


class Casbin:
    """Casbin: one row per rule, sets compared by functions, deny overriding allow."""

    _MODEL = """
[request_definition]
r = data_class, purpose, recipient, facts

[policy_definition]
p = data_classes, purposes, recipients, needs, unless, eft

[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))

[matchers]
m = among(r.purpose, p.purposes) && among(r.recipient, p.recipients) && \
among(r.data_class, p.data_classes) && within(p.needs, r.facts) && beyond(p.unless, r.facts)
"""

    def __init__(self) -> None:
        model = Model()
        model.load_model_from_text(self._MODEL)
        self._enforcer = casbin.Enforcer(model)
        # A row holds text: each stands for a set that is made once, not at every call.
        sets: dict[str, frozenset[str]] = {}
        for rule in RULES:
            words = [*(words for _, words, _ in _covers(rule)), rule.needs, rule.unless]
            row = ["|".join(sorted(each)) for each in words]
            sets.update(zip(row, words, strict=True))
            row.append("allow" if rule.allow else "deny")
            self._enforcer.model.add_policy("p", "p", row)
        self._enforcer.add_function("among", lambda word, words: word in sets[words])
        self._enforcer.add_function("within", lambda needs, facts: sets[needs] <= facts)
        self._enforcer.add_function(
            "beyond", lambda unless, facts: not sets[unless] or not sets[unless] <= facts
        )

    def request(self, case: Case) -> tuple[str, str, str, frozenset[str]]:
        use = case.use
        return (str(use.data_class), str(use.purpose), str(use.recipient), case.facts)

    def allows(self, request: Any) -> bool:
        return bool(self._enforcer.enforce(*request))


def agreement(cedar: Cedar, other: Casbin, *, also: Iterable[Case], count: int = 1_500) -> int:
    """
    Return on how many questions all three give the same answer.

    :raises AssertionError: if they differ on one: then they do not have the same rules
    """
    rng = random.Random(7)  # noqa: S311 - repeatable
    uses = [Use(*one) for one in product(DataClass, Purpose, Recipient)]
    facts = list(Fact)
    # Everything that a rule permits, given all facts; and as many at random.
    asked = [Case(use, frozenset(facts)) for use in uses if policy_evaluation.TABLE[use].options]
    while len(asked) < count:
        asked.append(Case(rng.choice(uses), frozenset(f for f in facts if rng.random() < 0.8)))
    asked += also
    for case in asked:
        ours = policy_evaluation.decide_data_use(case.use, case.facts).allowed
        theirs = cedar.allows(cedar.request(case)), other.allows(other.request(case))
        if theirs != (ours, ours):
            raise AssertionError(f"{case}: {ours}, cedar and casbin say {theirs}")
    return len(asked)


def _covers(rule: PolicyRule) -> tuple[tuple[str, frozenset[str], frozenset[str]], ...]:
    return (
        ("data_class", rule.data_classes, EVERYTHING),
        ("purpose", rule.purposes, ANY_REASON),
        ("recipient", rule.recipients, EVERYONE),
    )


def _cedar_set(words: Iterable[str]) -> str:
    return "[" + ", ".join(f'"{word}"' for word in sorted(words)) + "]"
