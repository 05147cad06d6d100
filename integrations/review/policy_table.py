"""The whole policy as a table: purpose, then who gets what, with the rule that says so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from limited_use.policy import evaluation
from limited_use.policy.evaluation import Cell
from limited_use.policy.rules import RULES
from limited_use.policy.vocabulary import DataClass, Purpose, Recipient, Use

from . import review_labels

_BY_ID: Final = {rule.id: rule for rule in RULES}


@dataclass(frozen=True, slots=True)
class Way:
    """One rule that answers, and what it has to find true."""

    rule_id: str
    says: str
    needs: Sequence[str]


@dataclass(frozen=True, slots=True)
class Row:
    """Uses of one purpose that have the same answer."""

    recipients: Sequence[str]
    data_classes: Sequence[str]
    is_open: bool
    ways: Sequence[Way]


@dataclass(frozen=True, slots=True)
class Block:
    """One purpose."""

    purpose: str
    rows: Sequence[Row]

    @property
    def is_open(self) -> bool:
        return any(row.is_open for row in self.rows)


def blocks() -> list[Block]:
    """Return every purpose with all of its uses, what can be permitted first."""
    made = [Block(str(purpose), list(_rows(purpose))) for purpose in Purpose]
    return sorted(made, key=lambda block: not block.is_open)


def sizes() -> tuple[int, int]:
    """Return how many uses there are, and how many of them can be permitted."""
    return len(evaluation.TABLE), sum(bool(cell.options) for cell in evaluation.TABLE.values())


def _rows(purpose: Purpose) -> Iterator[Row]:
    # First who is answered alike for which data, then who shares all of that.
    answers: dict[tuple[Recipient, Cell], list[DataClass]] = defaultdict(list)
    for recipient in Recipient:
        for data_class in DataClass:
            cell = evaluation.TABLE[Use(data_class, purpose, recipient)]
            answers[recipient, cell].append(data_class)
    alike: dict[tuple[Cell, tuple[DataClass, ...]], list[Recipient]] = defaultdict(list)
    for (recipient, cell), found in answers.items():
        alike[cell, tuple(found)].append(recipient)
    for (cell, classes), recipients in sorted(alike.items(), key=lambda one: not one[0][0].options):
        yield Row(
            recipients=["everybody"] if len(recipients) == len(Recipient) else recipients,
            data_classes=["everything"] if len(classes) == len(DataClass) else classes,
            is_open=bool(cell.options),
            ways=list(_ways(cell)),
        )


def _ways(cell: Cell) -> Iterator[Way]:
    if not cell.options:
        rule_id = cell.refused.rule_id
        yield Way(rule_id, evaluation.SAYS[rule_id], ())
    for needs, decision in cell.options:
        facts = [review_labels.fact(one) for one in sorted(needs)]
        yield Way(decision.rule_id, _BY_ID[decision.rule_id].says, facts)
