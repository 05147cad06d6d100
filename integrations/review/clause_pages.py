"""One clause for a reviewer: its source, its rules, and the decisions under it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final

from django.utils.functional import Promise

from limited_use.evidence import clause_evidence, stored_bundles
from limited_use.policy import clauses as catalogue
from limited_use.policy.clauses import PolicyClause
from limited_use.policy.rules import PolicyRule
from limited_use.usage import rule_usage
from limited_use.usage.rule_usage import RuleUsageCount

from . import named_ids, review_labels
from .evidence import test_results
from .evidence.test_results import MissingTestResults, TestRunResults
from .messages import labels
from .named_ids import EntryRow


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


#: Choices of the filter by who keeps a clause.
_KEPT_BY: Final[Mapping[str, Callable[[ClauseSummary], bool]]] = {
    "software": lambda summary: summary.is_enforced,
    "people": lambda summary: summary.clause.duty is not None,
    "unmet": lambda summary: not summary.is_met,
}
KEPT_BY_CHOICES: Final = tuple(_KEPT_BY)


@dataclass(frozen=True, slots=True)
class ClauseRuleRow:
    rule: PolicyRule
    needs: Sequence[str | Promise]
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
    known_by: Promise
    rules: Sequence[ClauseRuleRow]
    by_fact: Sequence[ClauseRuleRow]
    facts: Sequence[str | Promise]
    events: Sequence[tuple[str, RuleUsageCount]]
    results: TestRunResults | MissingTestResults
    tests: Sequence[tuple[str, Sequence[ClauseTest]]]
    days: Sequence[rule_usage.RuleUsageDay]
    entries: Sequence[EntryRow]


def list_policy_clauses() -> list[ClauseSummary]:
    counts, not_met, results = (
        rule_usage.get_rule_usage_totals(),
        _list_not_met(),
        test_results.load_results(),
    )
    return [
        _summarise_clause(clause, counts, not_met, results) for clause in catalogue.CLAUSES.values()
    ]


def group_by_source(summaries: Iterable[ClauseSummary]) -> list[tuple[str, list[ClauseSummary]]]:
    """Return each source once, in the order of the catalogue, with all its clauses."""
    groups: dict[str, list[ClauseSummary]] = {}
    for summary in summaries:
        groups.setdefault(summary.clause.source.title, []).append(summary)
    return list(groups.items())


def filter_clauses(
    summaries: Iterable[ClauseSummary], *, words: str = "", source: str = "", kept_by: str = ""
) -> list[ClauseSummary]:
    """
    Return the clauses that contain all words, in their id, text, quote, source or rules.

    :param source: a title; empty: all
    :param kept_by: `software`, `people` or `unmet`; empty: all
    """
    wanted = words.casefold().split()
    return [
        summary
        for summary in summaries
        if (not source or summary.clause.source.title == source)
        and (not kept_by or _KEPT_BY[kept_by](summary))
        and all(word in _get_searched_text(summary) for word in wanted)
    ]


def _get_searched_text(summary: ClauseSummary) -> str:
    clause = summary.clause
    rules = (text for rule in summary.rules for text in (rule.id, rule.says))
    duty = (clause.duty.owner, clause.duty.does) if clause.duty else ()
    parts = (clause.id, clause.says, clause.quote, clause.source.title, *rules, *duty)
    return " ".join(str(part) for part in parts).casefold()


def build_clause_page(clause: PolicyClause, *, at: datetime) -> ClausePage:
    counts, results = rule_usage.get_rule_usage_totals(), test_results.load_results()
    applying = clause_evidence.list_rules_applying_clause(clause)
    return ClausePage(
        line=_summarise_clause(clause, counts, _list_not_met(), results),
        known_by=labels.KNOWN_BY[clause.confidence],
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
        entries=[
            named_ids.make_entry_row(entry)
            for entry in rule_usage.list_latest_rule_entries(applying)
        ],
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
