"""The controls of CASA for a reviewer, with the tests that are bound to each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from django.utils.functional import Promise

from . import review_labels
from .evidence.test_results import MissingTestResults, TestRunResults
from .messages import controls
from .messages.controls import CasaControl, Supplement


class ControlStatus(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    # No test is bound to the control.
    NO_TEST = "no-test"
    # This release was started without test results.
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class ControlRow:
    """
    :param tests: (sentence, file, outcome)
    :param supplement: what only people supply
    """

    control: CasaControl
    status: ControlStatus
    tests: Sequence[tuple[str, str, str]]
    supplement: str | Promise

    @property
    def needs_people(self) -> bool:
        return self.control.supplement != Supplement.NONE


@dataclass(frozen=True, slots=True)
class AssessmentPage:
    """
    :param chapters: title and rows
    :param other_ids: ids of other catalogues that tests are bound to
    """

    chapters: Sequence[tuple[str | Promise, Sequence[ControlRow]]]
    control_count: int
    tested_count: int
    people_count: int
    other_ids: Sequence[str]


def build_assessment_page(results: TestRunResults | MissingTestResults) -> AssessmentPage:
    rows = [_make_row(control, results) for control in controls.CONTROLS]
    known = {control.id for control in controls.CONTROLS}
    bound = {} if isinstance(results, MissingTestResults) else results.outcomes["control"]
    return AssessmentPage(
        chapters=[
            (controls.CHAPTERS[chapter], list(group))
            for chapter, group in groupby(rows, key=lambda row: row.control.id.partition(".")[0])
        ],
        control_count=len(rows),
        tested_count=sum(bool(row.tests) for row in rows),
        people_count=sum(row.needs_people for row in rows),
        other_ids=sorted(set(bound) - known),
    )


def _make_row(control: CasaControl, results: TestRunResults | MissingTestResults) -> ControlRow:
    outcomes = results.list_tests("control", control.id)
    if isinstance(results, MissingTestResults):
        status = ControlStatus.MISSING
    elif not outcomes:
        status = ControlStatus.NO_TEST
    elif "failed" in outcomes.values():
        status = ControlStatus.FAILED
    else:
        status = ControlStatus.PASSED
    return ControlRow(
        control,
        status,
        review_labels.list_tests(outcomes),
        controls.SUPPLEMENTS[control.supplement],
    )
