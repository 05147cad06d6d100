"""
Test results by marker: which tests stand for which invariant, clause, scenario, control or claim.

``pytest --matrix=FILE`` writes a file that `integrations.review.evidence.test_results` reads.
Nothing is written for a run that stopped early: its results would look complete.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

MARKERS = ("invariant", "clause", "scenario", "control", "claim")


def pytest_addoption(parser):
    # To be given as one argument: before this file is read, pytest would take FILE, if it exists,
    # for a path to tests.
    parser.addoption("--matrix", metavar="FILE", help="write markers and outcomes as JSON")


def pytest_configure(config):
    # Workers of xdist only report; the controller writes.
    if (path := config.getoption("matrix")) and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Matrix(Path(path)), "matrix-writer")


def rows_of(item: pytest.Item) -> list[dict[str, str]]:
    """Return one row per id that a marker of `item` names, whatever its type."""
    return [
        {"marker": mark.name, "id": str(value), "test": item.nodeid}
        for mark in item.iter_markers()
        if mark.name in MARKERS
        for value in mark.args
    ]


def pytest_itemcollected(item):
    # User properties travel from an xdist worker to the controller with each report.
    item.user_properties.extend(("matrix", json.dumps(row)) for row in rows_of(item))


def document(rows, *, outcomes, code, finished_at):
    """Return the content of the file; `outcomes` are those of all tests, marked or not."""
    return {
        "version": 1,
        "finished_at": finished_at.isoformat(timespec="seconds"),
        "test_count": len(outcomes),
        "failed_count": outcomes.count("failed"),
        "code_sha256": dict(code),
        "rows": rows,
    }


class Matrix:
    """Gathers rows from reports, in the process that writes the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        # By test as reports name it, which is with its group if tests are in groups.
        self._rows: dict[str, list[dict[str, str]]] = {}
        self._outcomes: dict[str, str] = {}
        self._said = ""

    def pytest_sessionstart(self):
        # The code as it is tested, not as it may be after an edit during the run.
        from integrations.review.evidence import code_hashes

        self._code = code_hashes.hash_packages()

    def pytest_runtest_logreport(self, report):
        if report.outcome != "passed" or report.nodeid not in self._outcomes:
            self._outcomes[report.nodeid] = report.outcome
        self._rows[report.nodeid] = [
            json.loads(value) for name, value in report.user_properties if name == "matrix"
        ]

    def pytest_sessionfinish(self, session, exitstatus):
        is_over = exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}
        if not is_over or session.shouldfail or session.shouldstop:
            self._said = f"{self._path} was not written: the run stopped early"
            return
        rows = [
            {**row, "outcome": self._outcomes[test]}
            for test, marked in sorted(self._rows.items())
            for row in marked
        ]
        content = document(
            rows,
            outcomes=list(self._outcomes.values()),
            code=self._code,
            finished_at=datetime.now(UTC),
        )
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        self._said = f"test results are in {self._path}"

    def pytest_terminal_summary(self, terminalreporter):
        terminalreporter.write_line(self._said)
