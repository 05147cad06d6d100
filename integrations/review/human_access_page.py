"""Human access for a reviewer: what a person at Antares can read, and each time that they did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from django.apps import apps
from django.utils.functional import Promise

from accounts.roles import PERMISSIONS, STAFF, Role
from limited_use.policy import policy_evaluation
from limited_use.policy.feature_registry import FEATURES, Feature
from limited_use.policy.policy_vocabulary import DataClass, Purpose, Recipient, Use
from limited_use.policy.rules import RULES, PolicyRule
from limited_use.usage import rule_usage
from limited_use.usage.rule_usage import RuleUsageCount
from limited_use.vault.fields import SealedField

from . import latest_evidence, named_ids
from .latest_evidence import LatestEvidence
from .messages import labels
from .named_ids import EntryRow, NamedUse

#: The recipients that are people at Antares.
HUMAN_RECIPIENTS: Final = (Recipient.SUPPORT_AGENT,)
_BY_ID: Final = {rule.id: rule for rule in RULES}


@dataclass(frozen=True, slots=True)
class HumanUse:
    """A use that can be permitted to a person at Antares, with its conditions."""

    use: NamedUse
    rule: PolicyRule
    conditions: Sequence[str | Promise]


@dataclass(frozen=True, slots=True)
class HumanRule:
    rule: PolicyRule
    count: RuleUsageCount


@dataclass(frozen=True, slots=True)
class SealedTableRight:
    """
    What the database lets the staff site do with a table that has encrypted columns.

    :param can_read: whether it reads encrypted columns
    :param columns: the only columns that it reads; empty: all, or none
    :param rows: the rows that it sees, in words
    """

    table: str
    can_read: bool
    columns: Sequence[str]
    rows: Sequence[str | Promise]


@dataclass(frozen=True, slots=True)
class HumanAccessPage:
    """
    :param closed_count: combinations of data and purpose that can never be permitted to a person
    :param entries: the newest decisions on reading by a person
    :param roles: staff roles with their permissions
    :param tables: from the newest evidence; empty without evidence
    """

    uses: Sequence[HumanUse]
    closed_count: int
    rules: Sequence[HumanRule]
    entries: Sequence[EntryRow]
    feature: Feature
    roles: Sequence[tuple[str, Sequence[str]]]
    evidence: LatestEvidence | None
    tables: Sequence[SealedTableRight]


def build_human_access_page() -> HumanAccessPage:
    totals = rule_usage.get_rule_usage_totals()
    uses = list(_list_uses())
    rules = [
        rule
        for rule in RULES
        if set(rule.recipients) & set(HUMAN_RECIPIENTS)
        and len(rule.recipients) == len(HUMAN_RECIPIENTS)
    ]
    evidence = latest_evidence.read_latest_evidence("walls")
    return HumanAccessPage(
        uses=uses,
        closed_count=len(DataClass) * len(Purpose) * len(HUMAN_RECIPIENTS) - len(uses),
        rules=[HumanRule(rule, totals.get(rule.id, RuleUsageCount())) for rule in rules],
        entries=[
            named_ids.make_entry_row(entry)
            for entry in rule_usage.list_latest_rule_entries([rule.id for rule in rules])
        ],
        feature=FEATURES["support"],
        roles=[
            (str(role), sorted(PERMISSIONS[role] - PERMISSIONS[Role.MEMBER]))
            for role in sorted(STAFF)
        ],
        evidence=evidence,
        tables=list(_list_tables(evidence)) if evidence else [],
    )


def _list_uses() -> Iterator[HumanUse]:
    for values, cell in policy_evaluation.TABLE.items():
        use = Use(*values)
        if use.recipient in HUMAN_RECIPIENTS:
            for needs, decision in cell.options:
                yield HumanUse(
                    named_ids.name_use(*use),
                    _BY_ID[decision.rule_id],
                    [labels.FACTS[fact] for fact in sorted(needs)],
                )


def _list_tables(evidence: LatestEvidence) -> Iterator[SealedTableRight]:
    walls = evidence.sections["walls"]
    for model in apps.get_models():
        label = model._meta.label  # noqa: SLF001 - Django's documented model API
        sealed_columns = {
            column.name
            for column in model._meta.concrete_fields  # noqa: SLF001
            if isinstance(column, SealedField)
        }
        if sealed_columns and label in walls["rights"]:
            rights, owner = walls["rights"][label], walls["owners"].get(label, {})
            columns = walls.get("columns", {}).get(label, {}).get("staff r", ())
            kinds = [str(owner.get("staff", ""))]
            if owner.get("support_finds"):
                kinds.append(labels.FOUND_ROWS)
            yield SealedTableRight(
                label,
                "r" in rights["staff"] or not sealed_columns.isdisjoint(columns),
                columns,
                [labels.STAFF_ROWS.get(kind, kind) for kind in kinds if kind],
            )
