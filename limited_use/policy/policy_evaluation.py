"""
The decision on a use: pure, total, and compiled to a table.

A golden file lists the whole decision space; its diff shows each change of policy.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import product

from .policy_vocabulary import DataClass, Fact, Purpose, Recipient, Use
from .rules import RULES, PolicyRule
from .text_marking import gettext_noop as _

__all__ = [
    "ALL_ELSE",
    "RULES",
    "TABLE",
    "VERSION",
    "DecisionCell",
    "DecisionTable",
    "PolicyDecision",
    "PolicyRule",
]


@dataclass(frozen=True, slots=True)
class PolicyDecision:
    allowed: bool
    rule_id: str
    clauses: tuple[str, ...]
    # Facts that were missing for a permit; empty if no rule could permit it.
    missing: frozenset[Fact] = frozenset()


# The clause for uses without a rule.
ALL_ELSE = PolicyDecision(allowed=False, rule_id="all-else", clauses=("LU-4", "W-LU4"))
ALL_ELSE_TEXT = _("Antares refuses every use that no rule allows.")


@dataclass(frozen=True, slots=True)
class DecisionCell:
    refused: PolicyDecision
    # (needed facts, decision), in the order of the rules. The needs include those of all limits.
    options: tuple[tuple[frozenset[Fact], PolicyDecision], ...] = ()
    # (facts, refusal): the refusal of a limit, if some of its facts are missing.
    limits: tuple[tuple[frozenset[Fact], PolicyDecision], ...] = ()


DecisionTable = Mapping[tuple[DataClass, Purpose, Recipient], DecisionCell]

# Derived data classes, and the classes that they derive from.
SOURCE_CLASSES: Mapping[DataClass, frozenset[DataClass]] = {
    DataClass.CONTACT_LINK: frozenset({DataClass.MAIL_METADATA}),
}


def add_source_classes(*classes: DataClass) -> frozenset[DataClass]:
    """
    Return the classes of data derived from `classes`: the union.

    Sums, scores, summaries and anonymous versions keep all classes; opening takes a permit for
    each.
    """
    all_classes = set(classes)
    for data_class in classes:
        all_classes |= add_source_classes(*SOURCE_CLASSES.get(data_class, ()))
    return frozenset(all_classes)


def compile_policy_rules(rules: Sequence[PolicyRule]) -> DecisionTable:
    uses = [Use(*key) for key in product(DataClass, Purpose, Recipient)]
    cells_by_use = {use: _make_cell(use, rules) for use in uses}
    table: dict[tuple[DataClass, Purpose, Recipient], DecisionCell] = {}
    for use in uses:
        # Derived data opens no further than its sources.
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
            PolicyDecision(
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
    return DecisionCell(derived.refused, options, (*derived.limits, *source.limits))


def _make_cell(use: Use, rules: Sequence[PolicyRule]) -> DecisionCell:
    covering_rules = [
        rule
        for rule in rules
        if use.data_class in rule.data_classes
        and use.purpose in rule.purposes
        and use.recipient in rule.recipients
    ]
    for rule in covering_rules:
        if not rule.allow and not rule.is_limit:
            return DecisionCell(_refuse_by_rule(rule))
    permissions = [rule for rule in covering_rules if rule.allow]
    if not permissions:
        return DecisionCell(ALL_ELSE)
    limits = [rule for rule in covering_rules if rule.is_limit]
    limit_facts = frozenset(fact for rule in limits for fact in rule.unless)
    return DecisionCell(
        _refuse_by_rule(permissions[0]),
        tuple(
            (
                rule.needs | limit_facts,
                PolicyDecision(allowed=True, rule_id=rule.id, clauses=rule.clauses),
            )
            for rule in permissions
        ),
        tuple((rule.unless, _refuse_by_rule(rule)) for rule in limits),
    )


def _refuse_by_rule(rule: PolicyRule) -> PolicyDecision:
    return PolicyDecision(allowed=False, rule_id=rule.id, clauses=rule.clauses)


TABLE: DecisionTable = compile_policy_rules(RULES)
# Each ledger entry names the version of the policy.
VERSION = hashlib.sha256(
    "\n".join(
        "|".join(
            (
                rule.id,
                str(rule.allow),
                *(
                    ",".join(sorted(part))
                    for part in (
                        rule.purposes,
                        rule.recipients,
                        rule.data_classes,
                        rule.needs,
                        rule.unless,
                    )
                ),
            )
        )
        for rule in RULES
    ).encode()
).hexdigest()[:16]
RULE_TEXTS: Mapping[str, str] = {ALL_ELSE.rule_id: ALL_ELSE_TEXT} | {r.id: r.says for r in RULES}


def decide_data_use(
    use: Use, facts: frozenset[Fact], table: DecisionTable = TABLE
) -> PolicyDecision:
    """
    A forbidding rule always beats an allowing one. A use without a rule, or with unknown words,
    is refused.
    """
    cell = table.get(use)
    if cell is None:
        return ALL_ELSE
    for needs, allowed in cell.options:
        if needs <= facts:
            return allowed
    if not cell.options:
        return cell.refused
    # Callers show the nearest option.
    needs, nearest = min(cell.options, key=lambda option: len(option[0] - facts))
    missing = needs - facts
    limit_facts = frozenset(fact for unless, _ in cell.limits for fact in unless)
    if missing <= limit_facts:
        return next(refusal for unless, refusal in cell.limits if unless & missing)
    return PolicyDecision(
        allowed=False,
        rule_id=nearest.rule_id,
        clauses=nearest.clauses,
        missing=missing - limit_facts,
    )


def decide_derived(
    classes: Iterable[DataClass],
    purpose: Purpose,
    recipient: Recipient,
    facts: frozenset[Fact],
    table: DecisionTable = TABLE,
) -> PolicyDecision:
    """Return the first refusal for data derived from `classes`, or the permission."""
    decision = ALL_ELSE
    for data_class in sorted(add_source_classes(*classes)):
        decision = decide_data_use(Use(data_class, purpose, recipient), facts, table)
        if not decision.allowed:
            break
    return decision


def can_use_be_allowed(purpose: str, recipient: Recipient, table: DecisionTable = TABLE) -> bool:
    return any(table[use].options for use in table if use[1] == purpose and use[2] == recipient)


def is_use_ever_allowed(use: Use, table: DecisionTable = TABLE) -> bool:
    """Return whether the policy allows the use with some facts."""
    cell = table.get(use)
    return cell is not None and bool(cell.options)


# The owner, and the owner's accounts at a provider.
_OWNER_RECIPIENTS = frozenset(
    {Recipient.OWNER, Recipient.OWN_PROVIDER, Recipient.OTHER_OWN_ACCOUNT}
)


def is_for_owner_alone(use: Use) -> bool:
    """Return whether only a person owns what the use is about: a service client never does."""
    # A feature that could change the list of uploads could accept its own proposals.
    is_upload_list = (use.purpose, use.recipient) == (Purpose.DRIVE_UPLOAD, Recipient.VAULT)
    return use.recipient in _OWNER_RECIPIENTS or is_upload_list


# Permits for these seal what a feature wrote, and open nothing.
_WRITE_ONLY_PURPOSES = frozenset({Purpose.DRAFT_PROPOSE})


def list_reading_purposes(data_class: DataClass, table: DecisionTable = TABLE) -> tuple[str, ...]:
    """Return the purposes for which a platform feature may receive `data_class`."""
    return tuple(
        purpose
        for purpose in Purpose
        if purpose not in _WRITE_ONLY_PURPOSES
        and is_use_ever_allowed(Use(data_class, purpose, Recipient.PLATFORM_FEATURE), table)
    )
