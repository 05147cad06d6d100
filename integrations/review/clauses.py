"""One clause as a reviewer sees it: who says it, what enforces it, what was done under it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from limited_use.evidence import clause_parts, stored_bundles
from limited_use.policy import clauses as catalogue
from limited_use.policy.clauses import Clause
from limited_use.policy.rules import Rule
from limited_use.usage import rule_usage
from limited_use.usage.rule_usage import Count

from . import review_labels
from .evidence import test_results
from .evidence.test_results import Missing, Results


@dataclass(frozen=True, slots=True)
class Line:
    """
    A clause in the list.

    :param test_count: tests that bear its id; None if test results are missing
    """

    clause: Clause
    rules: Sequence[Rule]
    test_count: int | None
    count: Count
    is_met: bool

    @property
    def is_enforced(self) -> bool:
        return catalogue.is_enforced(self.clause)


@dataclass(frozen=True, slots=True)
class Shown:
    """A rule, with what it asks for in plain words."""

    rule: Rule
    needs: Sequence[str]
    count: Count


@dataclass(frozen=True, slots=True)
class Test:
    """A test, as a sentence, with its outcome in the run."""

    path: str
    sentence: str
    outcome: str

    @property
    def is_passed(self) -> bool:
        return self.outcome == "passed"


@dataclass(frozen=True, slots=True)
class Page:
    """All of one clause."""

    line: Line
    known_by: str
    rules: Sequence[Shown]
    by_fact: Sequence[Shown]
    facts: Sequence[str]
    events: Sequence[tuple[str, Count]]
    results: Results | Missing
    tests: Sequence[tuple[str, Sequence[Test]]]
    days: Sequence[rule_usage.Day]
    entries: Sequence[rule_usage.Entry]


def lines() -> list[tuple[str, list[Line]]]:
    """Return every clause, by the document that it stands in."""
    counts, broken, results = rule_usage.totals(), _not_met(), test_results.load()
    made = [_line(clause, counts, broken, results) for clause in catalogue.CLAUSES.values()]
    return [
        (title, list(group))
        for title, group in groupby(made, key=lambda line: line.clause.source.title)
    ]


def page(clause: Clause, *, at: datetime) -> Page:
    """Return everything that stands behind one clause."""
    counts, results = rule_usage.totals(), test_results.load()
    applying = clause_parts.applying(clause)
    return Page(
        line=_line(clause, counts, _not_met(), results),
        known_by=review_labels.KNOWN_BY[clause.confidence],
        rules=[_shown(rule, counts) for rule in catalogue.rules_of(clause.id)],
        by_fact=[_shown(rule, counts) for rule in clause_parts.by_facts(clause)],
        facts=[review_labels.fact(fact) for fact in clause.facts],
        events=[
            (event, counts.get(event, Count())) for event in clause_parts.EVENTS.get(clause.id, ())
        ],
        results=results,
        tests=[
            (path, list(group))
            for path, group in groupby(_list_tests(clause, results), key=lambda test: test.path)
        ],
        days=rule_usage.by_day(applying, at=at),
        entries=rule_usage.latest(applying),
    )


def _line(
    clause: Clause, counts: Mapping[str, Count], broken: Sequence[str], results: Results | Missing
) -> Line:
    is_missing = isinstance(results, Missing)
    applying = [counts.get(one, Count()) for one in clause_parts.applying(clause)]
    return Line(
        clause=clause,
        rules=catalogue.rules_of(clause.id),
        test_count=None if is_missing else len(_list_tests(clause, results)),
        count=Count(sum(one.permitted for one in applying), sum(one.refused for one in applying)),
        is_met=clause.id not in broken,
    )


def _shown(rule: Rule, counts: Mapping[str, Count]) -> Shown:
    needs = [review_labels.fact(one) for one in sorted(rule.needs)]
    return Shown(rule, needs, counts.get(rule.id, Count()))


def _list_tests(clause: Clause, results: Results | Missing) -> list[Test]:
    if isinstance(results, Missing):
        return []
    tests = []
    for name, outcome in results.list_tests("clause", clause.id).items():
        sentence, path = review_labels.test(name)
        tests.append(Test(path, sentence, outcome))
    return tests


def _not_met() -> Sequence[str]:
    newest = stored_bundles.latest()
    return newest.not_met if newest else ()
