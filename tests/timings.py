"""
Report where the time of a test run goes: the slowest tests, and CPU seconds by area.

CPU seconds are those of the test process and of the processes that it has waited for. Servers that
a fixture keeps for several tests count for the test at whose end they stop.
"""

from __future__ import annotations

import resource
from collections import Counter, defaultdict

import pytest

SLOWEST = 25


def pytest_configure(config):
    if hasattr(config, "workerinput") or not config.getoption("numprocesses", 0):
        config.pluginmanager.register(CpuClock(), "cpu-clock")
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Timings(), "timings")


def get_cpu_seconds() -> float:
    """Return the CPU seconds of this process and of its finished children."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


class CpuClock:
    """Adds `cpu_seconds` to each report, in the process that runs the tests."""

    def __init__(self) -> None:
        self._last = get_cpu_seconds()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self):
        report = yield
        now = get_cpu_seconds()
        # xdist sends every attribute of a report to the controller.
        report.cpu_seconds = now - self._last
        self._last = now
        return report


class Timings:
    """Adds the durations of set-up, call and teardown of each test, and prints the totals."""

    def __init__(self) -> None:
        self._wall_seconds: defaultdict[str, float] = defaultdict(float)
        self._cpu_seconds: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report):
        self._wall_seconds[report.nodeid] += report.duration
        # The report of a crashed process has none.
        self._cpu_seconds[get_area(report.nodeid)] += getattr(report, "cpu_seconds", 0.0)

    def pytest_terminal_summary(self, terminalreporter):
        if not self._wall_seconds:
            return
        write = terminalreporter.write_line
        slowest = sorted(self._wall_seconds.items(), key=lambda item: -item[1])[:SLOWEST]
        terminalreporter.section(f"the {len(slowest)} slowest tests, in seconds")
        for nodeid, seconds in slowest:
            write(f"{seconds:8.1f}  {nodeid}")
        terminalreporter.section("CPU seconds by area")
        for area, seconds in self._cpu_seconds.most_common():
            write(f"{seconds:8.1f}  {area}")
        write(f"{self._cpu_seconds.total():8.1f}  all tests, without collecting them")


def get_area(nodeid: str) -> str:
    """Return the folder under `tests/` to which a test belongs, or its file."""
    return "/".join(nodeid.partition("::")[0].split("/")[:2])
