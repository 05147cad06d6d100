"""One clause for a reviewer: its source, its rules, and the decisions under it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from limited_use.evidence import clause_evidence, stored_bundles
from limited_use.policy import clauses as catalogue
from limited_use.policy.clauses import PolicyClause
from limited_use.policy.rules import PolicyRule
from limited_use.usage import rule_usage
from limited_use.usage.rule_usage import RuleUsageCount

from . import review_labels
from .evidence import test_results
from .evidence.test_results import MissingTestResults, TestRunResults


@dataclass(frozen=True, slots=True)
class ClauseSummary:
    """:param test_count: tests that bear its id; None if test results are missing"""

    clause: PolicyClause
    rules: Sequence[PolicyRule]
    test_count: int | None
    count: RuleUsageCount
    is_met: bool

    @property
    def is_enforced(self) -> bool:
        return catalogue.is_enforced(self.clause)


@dataclass(frozen=True, slots=True)
class ClauseRuleRow:
    rule: PolicyRule
    needs: Sequence[str]
    count: RuleUsageCount


@dataclass(frozen=True, slots=True)
class ClauseTest:
    path: str
    sentence: str
    outcome: str

    @property
    def is_passed(self) -> bool:
        return self.outcome == "passed"


@dataclass(frozen=True, slots=True)
class ClausePage:
    line: ClauseSummary
    known_by: str
    rules: Sequence[ClauseRuleRow]
    by_fact: Sequence[ClauseRuleRow]
    facts: Sequence[str]
    events: Sequence[tuple[str, RuleUsageCount]]
    results: TestRunResults | MissingTestResults
    tests: Sequence[tuple[str, Sequence[ClauseTest]]]
    days: Sequence[rule_usage.RuleUsageDay]
    entries: Sequence[rule_usage.LedgerEntryDetails]


def list_policy_clauses() -> list[tuple[str, list[ClauseSummary]]]:
    counts, not_met, results = (
        rule_usage.get_rule_usage_totals(),
        _list_not_met(),
        test_results.load_results(),
    )
    summaries = [
        _summarise_clause(clause, counts, not_met, results) for clause in catalogue.CLAUSES.values()
    ]
    return [
        (title, list(group))
        for title, group in groupby(summaries, key=lambda line: line.clause.source.title)
    ]


def build_clause_page(clause: PolicyClause, *, at: datetime) -> ClausePage:
    counts, results = rule_usage.get_rule_usage_totals(), test_results.load_results()
    applying = clause_evidence.list_rules_applying_clause(clause)
    return ClausePage(
        line=_summarise_clause(clause, counts, _list_not_met(), results),
        known_by=review_labels.KNOWN_BY[clause.confidence],
        rules=[_describe_rule(rule, counts) for rule in catalogue.get_rules(clause.id)],
        by_fact=[_describe_rule(rule, counts) for rule in clause_evidence.get_fact_rules(clause)],
        facts=[review_labels.describe_fact(fact) for fact in clause.facts],
        events=[
            (event, counts.get(event, RuleUsageCount()))
            for event in clause_evidence.EVENTS.get(clause.id, ())
        ],
        results=results,
        tests=[
            (path, list(group))
            for path, group in groupby(_list_tests(clause, results), key=lambda test: test.path)
        ],
        days=rule_usage.list_rule_usage_days(applying, at=at),
        entries=rule_usage.list_latest_rule_entries(applying),
    )


def _summarise_clause(
    clause: PolicyClause,
    counts: Mapping[str, RuleUsageCount],
    not_met: Sequence[str],
    results: TestRunResults | MissingTestResults,
) -> ClauseSummary:
    is_missing = isinstance(results, MissingTestResults)
    applying = [
        counts.get(key, RuleUsageCount())
        for key in clause_evidence.list_rules_applying_clause(clause)
    ]
    return ClauseSummary(
        clause=clause,
        rules=catalogue.get_rules(clause.id),
        test_count=None if is_missing else len(_list_tests(clause, results)),
        count=RuleUsageCount(
            sum(count.permitted for count in applying), sum(count.refused for count in applying)
        ),
        is_met=clause.id not in not_met,
    )


def _describe_rule(rule: PolicyRule, counts: Mapping[str, RuleUsageCount]) -> ClauseRuleRow:
    needs = [review_labels.describe_fact(fact) for fact in sorted(rule.needs)]
    return ClauseRuleRow(rule, needs, counts.get(rule.id, RuleUsageCount()))


def _list_tests(
    clause: PolicyClause, results: TestRunResults | MissingTestResults
) -> list[ClauseTest]:
    if isinstance(results, MissingTestResults):
        return []
    tests = []
    for name, outcome in results.list_tests("clause", clause.id).items():
        sentence, path = review_labels.describe_test(name)
        tests.append(ClauseTest(path, sentence, outcome))
    return tests


def _list_not_met() -> Sequence[str]:
    newest = stored_bundles.get_latest_evidence_bundle()
    return newest.not_met if newest else ()
