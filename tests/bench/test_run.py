"""The tool itself: all of it runs, does what it measures, and is told of. No time is held to."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys

import pytest

from config.embedded.embedded_service import ROOT
from tests.bench.__main__ import BENCHMARKS

# Three minutes on two idle cores, and several times that beside a whole suite.
PATIENCE = 1800
# Not the tool's: keys of this process, and the queue that other tests' workers take from.
OURS = {"BROKER_URL", "KEYRING_DIR", "KEYRING_URL", "DJANGO_SETTINGS_MODULE"}


def tool(*arguments: str) -> tuple[int, str]:
    """Run the tool on this run's database server, and return its status and what it printed."""
    given = {key: value for key, value in os.environ.items() if key not in OURS}
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", *arguments],
        cwd=ROOT,
        env=given,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


class TestATinyRun:
    @pytest.mark.thorough("every benchmark once")
    def test_goes_through_every_benchmark_and_each_finds_its_figures(self, tmp_path):
        output = tmp_path / "bench.json"

        status, said = tool("--tiny", "--json", str(output), "--data", str(tmp_path / "data"))

        assert status == 0, said
        found = json.loads(output.read_text(encoding="utf-8"))
        assert found.keys() == {"machine", "at", *(one.module for one in BENCHMARKS)}
        for one in BENCHMARKS:
            figures = found[one.module]["figures"]
            assert figures, one.module
            assert one.title in said
            for figure in figures:
                assert math.isfinite(figure["ours"]), figure
                assert figure["ours"] >= 0, figure
                assert figure["name"] in said

    def test_says_which_benchmarks_there_are_where_it_knows_none_of_that_name(self):
        status, said = tool("--tiny", "nothing")

        assert status == 2
        assert all(one.module in said for one in BENCHMARKS)


class TestTheReadme:
    @pytest.fixture
    def rows(self):
        text = (ROOT / "tests" / "bench" / "README.md").read_text(encoding="utf-8")
        return re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)

    def test_lists_every_benchmark_in_the_order_in_which_they_run(self, rows):
        assert rows == [one.module for one in BENCHMARKS]
