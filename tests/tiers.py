"""
Two tiers of tests: `make test` proves a change, `make test-all` (``pytest --all``) runs everything.

What `make test` leaves out is marked ``@pytest.mark.thorough("what it is")``, or lies in one of
`FOLDERS`. Naming a file on the command line runs all of it. The last line of every run lists what
was left out or skipped, and why.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from typing import NoReturn

import hypothesis
import pytest

#: Folders that `make test` does not even collect, and what they test.
FOLDERS = {"tests/sandbox": "the sandbox's tests of itself"}
# How many times the examples of a property test that `make test-all` tries.
MORE_EXAMPLES = 10
_LEFT_OUT = pytest.StashKey[Counter[str]]()
_IS_THOROUGH = pytest.StashKey[bool]()


def pytest_addoption(parser):
    parser.addoption("--all", action="store_true", help="run what `make test` leaves out as well")


def pytest_configure(config):
    config.stash[_LEFT_OUT] = Counter()
    if hasattr(config, "workerinput"):
        config.stash[_IS_THOROUGH] = config.workerinput["is_thorough"]
    else:
        # A file that somebody names is run whole.
        is_named = config.args_source is pytest.Config.ArgsSource.ARGS
        config.stash[_IS_THOROUGH] = config.getoption("all") or is_named
        config.pluginmanager.register(Summary(config), "left-out-summary")
    # A slow machine is not a failure, so examples have no deadline and may be made slowly.
    hypothesis.settings.register_profile(
        "antares",
        deadline=None,
        max_examples=25,
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
    )
    hypothesis.settings.load_profile("antares")


def is_thorough(config: pytest.Config) -> bool:
    """Return whether everything runs, rather than what a landing needs."""
    return config.stash[_IS_THOROUGH]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    node.workerinput["is_thorough"] = is_thorough(node.config)


def pytest_ignore_collect(collection_path, config):
    if is_thorough(config) or not collection_path.is_dir():
        return None
    folder = collection_path.relative_to(config.rootpath).as_posix()
    if folder not in FOLDERS:
        return None
    # Of a folder that is not read, nobody knows how many tests are in it.
    config.stash[_LEFT_OUT][FOLDERS[folder]] = 0
    return True


def pytest_collection_modifyitems(config, items):
    if not is_thorough(config):
        left_out = [item for item in items if item.get_closest_marker("thorough")]
        for item in left_out:
            config.stash[_LEFT_OUT][item.get_closest_marker("thorough").args[0]] += 1
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("thorough")]
    elif config.getoption("all"):
        for item in items:
            _try_more_examples(item)


def _try_more_examples(item: pytest.Item) -> None:
    function = getattr(getattr(item, "obj", None), "__func__", getattr(item, "obj", None))
    if not getattr(function, "is_hypothesis_test", False):
        return
    # Hypothesis has no public way to change the settings of a decorated test.
    current = function._hypothesis_internal_use_settings or hypothesis.settings.default
    if not hasattr(function, "examples_of_make_test"):
        function.examples_of_make_test = current.max_examples
        function._hypothesis_internal_use_settings = hypothesis.settings(
            current, max_examples=MORE_EXAMPLES * current.max_examples
        )


def pytest_sessionfinish(session):
    if hasattr(session.config, "workerinput"):
        left_out = json.dumps(session.config.stash[_LEFT_OUT])
        session.config.workeroutput["left_out"] = left_out


def skip_on_this_machine(reason: str) -> NoReturn:
    """
    Skip the running test, because this machine lacks something; where CI is set, fail.

    :param reason: what is missing, and how to get it; the last line of the run lists it
    """
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


class Summary:
    """Prints the last line, in the process that was started by hand."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._skipped: Counter[str] = Counter()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node):
        # Every worker collects the same tests.
        if left_out := getattr(node, "workeroutput", {}).get("left_out"):
            self._config.stash[_LEFT_OUT] = Counter(json.loads(left_out))

    def pytest_runtest_logreport(self, report):
        if report.skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else "expected"
            self._skipped[reason.removeprefix("Skipped: ")] += 1

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self):
        # Outside pytest's own summary, so that this comes last.
        result = yield
        terminal = self._config.pluginmanager.getplugin("terminalreporter")
        left_out = list_counts(self._config.stash[_LEFT_OUT])
        terminal.write_line(f"left out: {left_out}. skipped: {list_counts(self._skipped)}.")
        return result


def list_counts(counts: Counter[str]) -> str:
    """Return each reason with the number of its tests, if that is known."""
    reasons = [f"{reason} ({count})" if count else reason for reason, count in counts.items()]
    return "; ".join(reasons) or "nothing"
