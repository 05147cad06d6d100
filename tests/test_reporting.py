"""What a run of the tests leaves out, and what it prints: progress, failures, logs, times."""

from __future__ import annotations

from pathlib import Path

import pytest

PLUGINS = ("tests.progress", "tests.service_logs", "tests.tiers", "tests.timings")
CONFTEST = f"pytest_plugins = {PLUGINS!r}"
TESTS = """
import pytest

def test_always():
    pass

@pytest.mark.thorough("the long way round")
@pytest.mark.parametrize("number", range(3))
def test_thorough(number):
    pass

def test_needs_root():
    pytest.skip("no root: namespaces")

def test_fails():
    assert 1 == 2
"""
EXAMPLES = """
from hypothesis import given, settings, strategies as st

tried = []

@given(st.integers())
def test_default(number):
    tried.append(number)

@settings(max_examples=7)
@given(st.integers())
def test_own(number):
    tried.append(number)

def test_count():
    assert len(tried) == {count}
"""
LOGGED = """
import pytest
from pathlib import Path
from tests import service_logs

@pytest.fixture(scope="session", autouse=True)
def service():
    folder = Path("logs")
    folder.mkdir()
    (folder / "web.log").write_text("from the start\\n")
    with service_logs.watch_logs(folder):
        yield folder

def test_passes(service):
    pass

def test_fails(service):
    with (service / "web.log").open("a") as log:
        log.write("deadlock detected\\n")
    assert False
"""


@pytest.fixture
def run(pytester, monkeypatch):
    """Return how to run pytest on the tests of this file, with the plugins of ours."""
    # Neither the plugins nor the servers of the outer run.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[1]))
    monkeypatch.delenv("TEST_DATABASE_LOG", raising=False)
    pytester.makeconftest(CONFTEST)
    pytester.makeini("[pytest]\ntestpaths = .\nmarkers = thorough(what): left out\n")
    return pytester.runpytest_subprocess


class TestMakeTest:
    def test_leaves_out_what_is_marked_and_says_so_in_its_last_line(self, run, pytester):
        pytester.makepyfile(TESTS)

        done = run()

        done.assert_outcomes(passed=1, skipped=1, failed=1, deselected=3)
        assert done.outlines[-1] == (
            "left out: the long way round (3). skipped: no root: namespaces (1)."
        )

    def test_says_so_from_several_processes(self, run, pytester):
        pytester.makepyfile(TESTS)

        done = run("-p", "xdist.plugin", "-n", "2")

        assert done.outlines[-1] == (
            "left out: the long way round (3). skipped: no root: namespaces (1)."
        )

    @pytest.mark.parametrize("argument", ["--all", "test_it.py"])
    def test_runs_it_with_all_and_where_the_file_is_named(self, run, pytester, argument):
        pytester.makepyfile(test_it=TESTS)

        done = run(argument)

        done.assert_outcomes(passed=4, skipped=1, failed=1)
        assert done.outlines[-1] == "left out: nothing. skipped: no root: namespaces (1)."

    @pytest.mark.parametrize(("arguments", "count"), [((), 32), (("--all",), 320)])
    def test_tries_ten_times_the_examples_with_all(self, run, pytester, arguments, count):
        pytester.makepyfile(EXAMPLES.format(count=count))

        run("-p", "_hypothesis_pytestplugin", *arguments).assert_outcomes(passed=3)


class TestTheOutput:
    def test_has_a_line_for_a_finished_file_and_for_a_failure(self, run, pytester):
        pytester.makepyfile(test_one="def test_a(): pass", test_two=TESTS)

        done = run("-p", "xdist.plugin", "-n", "2")

        done.stdout.fnmatch_lines_random(
            [
                "*4 tests in 2 files",
                "*%  test_one.py: 1 passed (*",
                "*FAILED test_two.py::test_fails (call): assert 1 == 2",
                "*test_two.py: *1 failed*",
                "* 100 %  *",
            ]
        )

    def test_ends_with_the_slowest_tests_and_with_cpu_seconds(self, run, pytester):
        pytester.makepyfile(test_one="import time\ndef test_a(): time.sleep(0.3)", test_two=TESTS)

        done = run()

        slowest = done.outlines.index(
            next(line for line in done.outlines if "slowest tests" in line)
        )
        assert done.outlines[slowest + 1].split() == ["0.3", "test_one.py::test_a"]
        done.stdout.fnmatch_lines(["*CPU seconds by area*", "*all tests*"])

    def test_shows_what_the_service_logged_while_a_failed_test_ran(self, run, pytester):
        pytester.makepyfile(LOGGED)

        done = run()

        done.stdout.fnmatch_lines(["*web.log, while this test ran*", "deadlock detected"])
        done.stdout.no_fnmatch_line("*from the start*")
