"""
Which test stands for which invariant, clause, scenario or control.

``pytest --matrix FILE`` writes the matrix as JSON after the run: marker, id, test, outcome.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

MARKERS = ("invariant", "clause", "scenario", "control")


def pytest_addoption(parser):
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


class Matrix:
    """Gathers rows from reports, in the process that writes the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows: dict[tuple[str, str, str], dict[str, str]] = {}

    def pytest_runtest_logreport(self, report):
        for name, value in report.user_properties:
            if name != "matrix":
                continue
            row = json.loads(value)
            key = (row["marker"], row["id"], row["test"])
            known = self._rows.setdefault(key, {**row, "outcome": report.outcome})
            if report.outcome != "passed":
                known["outcome"] = report.outcome

    def pytest_sessionfinish(self):
        rows = [self._rows[key] for key in sorted(self._rows)]
        self._path.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
