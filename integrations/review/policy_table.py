"""The policy as a table: each purpose's recipients and data, with the deciding rule."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise

from limited_use.policy import policy_evaluation
from limited_use.policy.policy_evaluation import DecisionCell
from limited_use.policy.policy_vocabulary import DataClass, Purpose, Recipient, Use
from limited_use.policy.rules import RULES

from . import named_ids, review_labels
from .named_ids import NamedId

_BY_ID: Final = {rule.id: rule for rule in RULES}


@dataclass(frozen=True, slots=True)
class PolicyRuleOption:
    rule_id: str
    says: str
    needs: Sequence[str | Promise]


@dataclass(frozen=True, slots=True)
class PolicyRow:
    recipients: Sequence[NamedId]
    data_classes: Sequence[NamedId]
    is_open: bool
    ways: Sequence[PolicyRuleOption]

    @property
    def is_for_everyone(self) -> bool:
        return len(self.recipients) == len(Recipient)

    @property
    def covers_all_data(self) -> bool:
        return len(self.data_classes) == len(DataClass)


@dataclass(frozen=True, slots=True)
class PolicyPurposeTable:
    purpose: NamedId
    rows: Sequence[PolicyRow]

    @property
    def is_open(self) -> bool:
        return any(row.is_open for row in self.rows)


def list_policy_purposes() -> list[PolicyPurposeTable]:
    """Purposes that can be permitted come first."""
    blocks = [
        PolicyPurposeTable(named_ids.name_purpose(purpose), list(_build_rows(purpose)))
        for purpose in Purpose
    ]
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
            recipients=named_ids.name_recipients(recipients),
            data_classes=named_ids.name_data_classes(classes),
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
