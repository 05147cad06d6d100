"""
The uses that the policy forbids, as cases that a reviewer can run. Pure.

Each case is one request to the guard. A case of `NEVER` and `FEATURE` has every fact that there
is, so only the policy can refuse it. A case of `CONDITION` has every fact that its rule needs
except one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import cycle, product
from typing import Final

from limited_use.policy import policy_evaluation
from limited_use.policy.feature_registry import FEATURES
from limited_use.policy.policy_evaluation import TABLE, DecisionCell
from limited_use.policy.policy_vocabulary import DataClass, Fact, Purpose, Recipient, Use
from limited_use.policy.rules import PERMISSION_RULES, PolicyRule

#: A feature that is not registered.
UNREGISTERED: Final = "unregistered"


class CaseGroup(StrEnum):
    # A purpose and a recipient that the policy never permits for this data.
    NEVER = "never"
    # A registered feature with a purpose that the policy never permits to anyone.
    FEATURE = "feature"
    # A permitted use of which one condition is not met, such as the owner's agreement.
    CONDITION = "condition"


@dataclass(frozen=True, slots=True)
class ForbiddenUse:
    """
    :param facts: what the request claims
    :param missing: the condition that is not met; None: the use is forbidden with any facts
    :param rule_id: the rule that must refuse the use
    :param is_client: whether only a platform feature could make the request
    """

    group: CaseGroup
    use: Use
    feature: str | None
    facts: frozenset[Fact]
    missing: Fact | None
    rule_id: str
    is_client: bool


def list_forbidden_uses(data_classes: Collection[DataClass]) -> list[ForbiddenUse]:
    """
    Return the cases, the same for equal arguments.

    :param data_classes: those of which a canary exists; cases prefer them
    """
    preferred = [data_class for data_class in DataClass if data_class in data_classes]
    ordered = [*preferred, *(one for one in DataClass if one not in data_classes)]
    return [
        *_list_never_permitted(ordered, len(preferred)),
        *_list_of_features(preferred or ordered),
        *_list_unmet_conditions(),
    ]


def _list_never_permitted(
    data_classes: Sequence[DataClass], preferred_count: int
) -> Iterator[ForbiddenUse]:
    """Yield one case for each purpose, recipient and rule that closes some data of them."""
    for turn, (purpose, recipient) in enumerate(product(Purpose, Recipient)):
        # Start with another data class each time, so that every class is asked for.
        start = turn % preferred_count if preferred_count else 0
        rotated = [*data_classes[start:preferred_count], *data_classes[:start]]
        rules: set[str] = set()
        for data_class in [*rotated, *data_classes[preferred_count:]]:
            use = Use(data_class, purpose, recipient)
            cell = TABLE[use]
            if cell.options or cell.refused.rule_id in rules:
                continue
            rules.add(cell.refused.rule_id)
            yield _make_closed_case(CaseGroup.NEVER, use, cell, None)


def _list_of_features(data_classes: Sequence[DataClass]) -> Iterator[ForbiddenUse]:
    """Yield each feature with each purpose that no recipient ever gets data for."""
    purposes = [
        purpose
        for purpose in Purpose
        if not any(
            policy_evaluation.can_use_be_allowed(purpose, recipient) for recipient in Recipient
        )
    ]
    classes = cycle(data_classes)
    for feature, purpose in product(FEATURES.values(), purposes):
        recipient = Recipient.PLATFORM_FEATURE if feature.platform_client else Recipient.OWNER
        use = Use(next(classes), purpose, recipient)
        yield _make_closed_case(CaseGroup.FEATURE, use, TABLE[use], feature.key)


def _make_closed_case(
    group: CaseGroup, use: Use, cell: DecisionCell, feature: str | None
) -> ForbiddenUse:
    is_client = use.recipient == Recipient.PLATFORM_FEATURE
    return ForbiddenUse(group, use, feature, frozenset(Fact), None, cell.refused.rule_id, is_client)


def _list_unmet_conditions() -> Iterator[ForbiddenUse]:
    """Yield one case for each rule that permits and each fact that it needs."""
    for rule in PERMISSION_RULES:
        use, is_client = _choose_use(rule), _is_of_clients(rule)
        feature = _find_feature(use, is_client=is_client)
        for fact in sorted(rule.needs):
            facts = rule.needs - {fact}
            decision = policy_evaluation.decide_data_use(use, facts)
            if decision.allowed or decision.rule_id != rule.id:
                # Another rule permits the use with these facts, or is as near to permitting it.
                continue
            if fact == Fact.FEATURE_REGISTERED:
                case_feature: str | None = UNREGISTERED
            elif Fact.FEATURE_REGISTERED in rule.needs and feature is None:
                # No feature declares the use, so two conditions would not be met.
                continue
            else:
                case_feature = feature
            yield ForbiddenUse(
                CaseGroup.CONDITION, use, case_feature, facts, fact, decision.rule_id, is_client
            )


def _choose_use(rule: PolicyRule) -> Use:
    uses = (
        Use(*values)
        for values in product(
            sorted(rule.data_classes), sorted(rule.purposes), sorted(rule.recipients)
        )
    )
    return next(
        use
        for use in uses
        if any(decision.rule_id == rule.id for _, decision in TABLE[use].options)
    )


def _is_of_clients(rule: PolicyRule) -> bool:
    """Return whether only a platform feature could have all facts of the rule."""
    return (
        Fact.DELEGATION_LIVE in rule.needs or rule.recipients == {Recipient.PLATFORM_FEATURE}
    )


def _find_feature(use: Use, *, is_client: bool) -> str | None:
    """:param is_client: whether a platform feature has to declare the use, or another feature"""
    declaring = (
        feature.key
        for feature in FEATURES.values()
        if feature.platform_client is is_client
        and feature.declares_use(use.purpose, use.data_class)
    )
    return next(declaring, None)
