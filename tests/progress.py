"""
Show the progress of a test run: a line per finished file, and each failure when it happens.

Replaces pytest's dots where several processes run the tests. If no file finishes for a while, a
line says which files are running.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

import pytest

# Seconds without a line before the running files are named.
QUIET_SECONDS = 15.0


@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    if config.getoption("numprocesses", 0) and config.getoption("verbose") == 0:
        config.pluginmanager.register(Progress(config), "progress")


@dataclass
class File:
    """The tests of one file: how many there are, how they ended, how long they took."""

    total: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def is_finished(self) -> bool:
        return self.outcomes.total() == self.total


class Progress:
    def __init__(self, config: pytest.Config) -> None:
        self._terminal = config.pluginmanager.getplugin("terminalreporter")
        self._started_at = self._last_line_at = time.monotonic()
        self._files: dict[str, File] = {}
        self._running: dict[str, str] = {}
        self._outcome: dict[str, str] = {}
        self._finished_count = 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report):
        # An empty letter keeps pytest's own reporter from printing anything for this test.
        if report.when == "call" and report.passed:
            return "passed", "", ""
        if report.failed:
            return ("failed", "", "FAILED") if report.when == "call" else ("error", "", "ERROR")
        if report.skipped:
            return "skipped", "", "SKIPPED"
        return None

    def pytest_xdist_node_collection_finished(self, ids):
        if not self._files:
            for nodeid in ids:
                self._files.setdefault(get_file(nodeid), File()).total += 1
            self._write(f"{len(ids)} tests in {len(self._files)} files")

    def pytest_runtest_logstart(self, nodeid):
        self._running[nodeid] = get_file(nodeid)
        if time.monotonic() - self._last_line_at > QUIET_SECONDS:
            self._write_running()

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self._write(f"FAILED {report.nodeid} ({report.when}): {get_reason(report)}", red=True)
        if report.outcome != "passed" or report.when == "call":
            # A failed teardown does not make up for a failed call, nor hide it.
            worst = self._outcome.get(report.nodeid) == "failed"
            self._outcome[report.nodeid] = "failed" if worst else report.outcome
        self._files[get_file(report.nodeid)].seconds += report.duration

    def pytest_runtest_logfinish(self, nodeid):
        self._running.pop(nodeid, None)
        self._finished_count += 1
        name = get_file(nodeid)
        file = self._files[name]
        file.outcomes[self._outcome.pop(nodeid, "passed")] += 1
        if file.is_finished:
            counts = ", ".join(f"{count} {outcome}" for outcome, count in file.outcomes.items())
            self._write(f"{name}: {counts} ({file.seconds:.1f} s)")

    def _write_running(self) -> None:
        files = ", ".join(dict.fromkeys(self._running.values()))
        self._write(f"still running: {files}")

    def _write(self, text: str, **markup: bool) -> None:
        self._last_line_at = time.monotonic()
        minutes, seconds = divmod(int(self._last_line_at - self._started_at), 60)
        total = sum(file.total for file in self._files.values())
        percent = 100 * self._finished_count // max(total, 1)
        self._terminal.ensure_newline()
        self._terminal.write_line(f"{minutes:2}:{seconds:02} {percent:3} %  {text}", **markup)


def get_file(nodeid: str) -> str:
    return nodeid.partition("::")[0]


def get_reason(report: pytest.TestReport) -> str:
    """Return the first line of a failure's message."""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash else str(report.longrepr)
    return text.strip().partition("\n")[0][:200]
