"""
The decision on a use: pure, total, and compiled to a table.

The vocabulary is finite, so the whole decision space is enumerated in a golden
file: a change of it is a change of policy, and reads as one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import product

from .rules import RULES, PolicyRule
from .vocabulary import DataClass, Fact, Purpose, Recipient, Use

__all__ = [
    "ALL_ELSE",
    "RULES",
    "TABLE",
    "VERSION",
    "Decision",
    "DecisionCell",
    "DecisionTable",
    "PolicyRule",
]


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer, with the rule and the clauses that it comes from."""

    allowed: bool
    rule_id: str
    clauses: tuple[str, ...]
    # What would have to be found true as well; empty unless a rule could permit it.
    missing: frozenset[Fact] = frozenset()


# Silence is a refusal, and this is the clause that says so.
ALL_ELSE = Decision(allowed=False, rule_id="all-else", clauses=("LU-4", "W-LU4"))
ALL_ELSE_TEXT = "What no rule permits is refused."


@dataclass(frozen=True, slots=True)
class DecisionCell:
    """What the rules say about one use: refused whatever the facts, or permitted given some."""

    refused: Decision
    # (needs, the decision if they are found), in the order of the rules.
    options: tuple[tuple[frozenset[Fact], Decision], ...] = ()


DecisionTable = Mapping[tuple[DataClass, Purpose, Recipient], DecisionCell]

# Kinds of data that are made of others: each is also of the kinds that it was made of.
SOURCE_CLASSES: Mapping[DataClass, frozenset[DataClass]] = {
    DataClass.CONTACT_LINK: frozenset({DataClass.MAIL_METADATA}),
}


def add_source_classes(*classes: DataClass) -> frozenset[DataClass]:
    """
    Return the classes of what is made of data of `classes`: all of theirs, and no fewer.

    A sum, a score, a summary or a version without names keeps them. Opening it
    takes a permit for each.
    """
    all_classes = set(classes)
    for data_class in classes:
        all_classes |= add_source_classes(*SOURCE_CLASSES.get(data_class, ()))
    return frozenset(all_classes)


def compile_rules(rules: Sequence[PolicyRule]) -> DecisionTable:
    """Return the decision table of `rules`: every use that there is, once."""
    uses = [Use(*key) for key in product(DataClass, Purpose, Recipient)]
    cells_by_use = {use: _make_cell(use, rules) for use in uses}
    table: dict[tuple[DataClass, Purpose, Recipient], DecisionCell] = {}
    for use in uses:
        # A rule that opens what was derived opens it no further than what it came from.
        sources = add_source_classes(use.data_class) - {use.data_class}
        cells = (cells_by_use[use._replace(data_class=source)] for source in sorted(sources))
        table[use] = reduce(_combine_cells, cells, cells_by_use[use])
    return table


def _combine_cells(derived: DecisionCell, source: DecisionCell) -> DecisionCell:
    if not derived.options or not source.options:
        return derived if not derived.options else source
    options = tuple(
        (
            needs | source_needs,
            Decision(
                allowed=True,
                rule_id=derived_decision.rule_id,
                clauses=(
                    *derived_decision.clauses,
                    *(
                        clause
                        for clause in source_decision.clauses
                        if clause not in derived_decision.clauses
                    ),
                ),
            ),
        )
        for needs, derived_decision in derived.options
        for source_needs, source_decision in source.options
    )
    return DecisionCell(derived.refused, options)


def _make_cell(use: Use, rules: Sequence[PolicyRule]) -> DecisionCell:
    covering_rules = [
        rule
        for rule in rules
        if use.data_class in rule.data_classes
        and use.purpose in rule.purposes
        and use.recipient in rule.recipients
    ]
    for rule in covering_rules:
        if not rule.allow:
            return DecisionCell(Decision(allowed=False, rule_id=rule.id, clauses=rule.clauses))
    if not covering_rules:
        return DecisionCell(ALL_ELSE)
    first = covering_rules[0]
    return DecisionCell(
        Decision(allowed=False, rule_id=first.id, clauses=first.clauses),
        tuple(
            (rule.needs, Decision(allowed=True, rule_id=rule.id, clauses=rule.clauses))
            for rule in covering_rules
        ),
    )


TABLE: DecisionTable = compile_rules(RULES)
# Stands in every ledger entry: under which policy it was decided.
VERSION = hashlib.sha256(
    "\n".join(
        "|".join(
            (
                rule.id,
                str(rule.allow),
                *(
                    ",".join(sorted(part))
                    for part in (rule.purposes, rule.recipients, rule.data_classes, rule.needs)
                ),
            )
        )
        for rule in RULES
    ).encode()
).hexdigest()[:16]
RULE_TEXTS: Mapping[str, str] = {ALL_ELSE.rule_id: ALL_ELSE_TEXT} | {r.id: r.says for r in RULES}


def decide(use: Use, facts: frozenset[Fact], table: DecisionTable = TABLE) -> Decision:
    """
    Return the decision on `use`, given the facts found true.

    Forbidding beats allowing, whatever the order, and silence is a refusal:
    so is a use made of words that the vocabulary does not have.
    """
    cell = table.get(use)
    if cell is None:
        return ALL_ELSE
    for needs, allowed in cell.options:
        if needs <= facts:
            return allowed
    if not cell.options:
        return cell.refused
    # Which of the options was nearest is what a caller wants to read.
    needs, nearest = min(cell.options, key=lambda option: len(option[0] - facts))
    return Decision(
        allowed=False, rule_id=nearest.rule_id, clauses=nearest.clauses, missing=needs - facts
    )


def decide_derived(
    classes: Iterable[DataClass],
    purpose: Purpose,
    recipient: Recipient,
    facts: frozenset[Fact],
    table: DecisionTable = TABLE,
) -> Decision:
    """Return the decision on data made of `classes`: the first refusal of one of them, if any."""
    decision = ALL_ELSE
    for data_class in sorted(add_source_classes(*classes)):
        decision = decide(Use(data_class, purpose, recipient), facts, table)
        if not decision.allowed:
            break
    return decision


def can_be_allowed(purpose: str, recipient: Recipient, table: DecisionTable = TABLE) -> bool:
    """Return whether there is data that could go to `recipient` for `purpose`, given all facts."""
    return any(table[use].options for use in table if use[1] == purpose and use[2] == recipient)
