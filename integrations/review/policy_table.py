"""The policy as a table: each purpose's recipients and data, with the deciding rule."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from limited_use.policy import policy_evaluation
from limited_use.policy.policy_evaluation import DecisionCell
from limited_use.policy.policy_vocabulary import DataClass, Purpose, Recipient, Use
from limited_use.policy.rules import RULES

from . import review_labels

_BY_ID: Final = {rule.id: rule for rule in RULES}


@dataclass(frozen=True, slots=True)
class PolicyRuleOption:
    rule_id: str
    says: str
    needs: Sequence[str]


@dataclass(frozen=True, slots=True)
class PolicyRow:
    recipients: Sequence[str]
    data_classes: Sequence[str]
    is_open: bool
    ways: Sequence[PolicyRuleOption]


@dataclass(frozen=True, slots=True)
class PolicyPurposeTable:
    purpose: str
    rows: Sequence[PolicyRow]

    @property
    def is_open(self) -> bool:
        return any(row.is_open for row in self.rows)


def list_policy_purposes() -> list[PolicyPurposeTable]:
    """Purposes that can be permitted come first."""
    blocks = [PolicyPurposeTable(str(purpose), list(_build_rows(purpose))) for purpose in Purpose]
    return sorted(blocks, key=lambda block: not block.is_open)


def count_uses() -> tuple[int, int]:
    return len(policy_evaluation.TABLE), sum(
        bool(cell.options) for cell in policy_evaluation.TABLE.values()
    )


def _build_rows(purpose: Purpose) -> Iterator[PolicyRow]:
    # Group data classes by recipient and answer, then recipients by both.
    answers: dict[tuple[Recipient, DecisionCell], list[DataClass]] = defaultdict(list)
    for recipient in Recipient:
        for data_class in DataClass:
            cell = policy_evaluation.TABLE[Use(data_class, purpose, recipient)]
            answers[recipient, cell].append(data_class)
    alike: dict[tuple[DecisionCell, tuple[DataClass, ...]], list[Recipient]] = defaultdict(list)
    for (recipient, cell), data_classes in answers.items():
        alike[cell, tuple(data_classes)].append(recipient)
    for (cell, classes), recipients in sorted(
        alike.items(), key=lambda entry: not entry[0][0].options
    ):
        yield PolicyRow(
            recipients=["everybody"] if len(recipients) == len(Recipient) else recipients,
            data_classes=["everything"] if len(classes) == len(DataClass) else classes,
            is_open=bool(cell.options),
            ways=list(_list_options(cell)),
        )


def _list_options(cell: DecisionCell) -> Iterator[PolicyRuleOption]:
    if not cell.options:
        rule_id = cell.refused.rule_id
        yield PolicyRuleOption(rule_id, policy_evaluation.RULE_TEXTS[rule_id], ())
    for needs, decision in cell.options:
        facts = [review_labels.describe_fact(fact) for fact in sorted(needs)]
        yield PolicyRuleOption(decision.rule_id, _BY_ID[decision.rule_id].says, facts)
