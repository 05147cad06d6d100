import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from integrations.review.evidence import code_hashes, test_results
from tests.matrix import MARKERS, Matrix

ROOT = Path(__file__).resolve().parents[1]


def report(nodeid, outcome="passed", rows=()):
    return SimpleNamespace(
        nodeid=nodeid,
        outcome=outcome,
        user_properties=[("matrix", json.dumps({**row, "test": nodeid})) for row in rows],
    )


class TestMatrix:
    @pytest.mark.parametrize("workers", [[], ["-n", "1"]])
    def test_is_written_with_marker_id_test_and_outcome(self, tmp_path, workers):
        target = tmp_path / "new" / "matrix.json"

        run = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-q", f"--matrix={target}", *workers),
                "tests/config/test_logging.py::TestRequestLog",
            ],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        )

        rows = json.loads(target.read_text())["rows"]
        assert {(row["marker"], row["id"], row["outcome"]) for row in rows} == {
            ("control", "2.1.1", "passed"),
            ("control", "6.5.1", "passed"),
        }
        results = test_results.parse_test_results(target.read_bytes())
        assert results.test_count >= len(rows) / 2
        assert results.failed_count == 0
        assert results.code == code_hashes.hash_packages()
        assert f"test results are in {target}" in run.stdout

    def test_has_the_worst_outcome_of_each_phase(self, tmp_path):
        row = {"marker": "clause", "id": "LU-1"}
        matrix = self.started(tmp_path / "matrix.json")
        matrix.pytest_runtest_logreport(report("tests/a.py::test_a", rows=[row]))
        matrix.pytest_runtest_logreport(report("tests/a.py::test_a", "failed", rows=[row]))
        matrix.pytest_runtest_logreport(report("tests/a.py::test_a", rows=[row]))
        matrix.pytest_runtest_logreport(report("tests/a.py::test_b"))

        matrix.pytest_sessionfinish(SimpleNamespace(shouldfail=False, shouldstop=False), 1)

        results = test_results.parse_test_results((tmp_path / "matrix.json").read_bytes())
        assert results.list_tests("clause", "LU-1") == {"tests/a.py::test_a": "failed"}
        assert (results.test_count, results.failed_count) == (2, 1)

    @pytest.mark.parametrize(
        ("status", "reason"),
        [
            (pytest.ExitCode.INTERRUPTED, {}),
            (pytest.ExitCode.INTERNAL_ERROR, {}),
            (pytest.ExitCode.TESTS_FAILED, {"shouldfail": "stopping after 1 failures"}),
            (pytest.ExitCode.TESTS_FAILED, {"shouldstop": "stopping after 1 failures"}),
        ],
    )
    def test_is_not_written_for_a_run_that_stopped_early(self, tmp_path, status, reason):
        matrix = self.started(tmp_path / "matrix.json")
        matrix.pytest_runtest_logreport(report("tests/a.py::test_a"))
        session = SimpleNamespace(**{"shouldfail": False, "shouldstop": False, **reason})

        matrix.pytest_sessionfinish(session, status)

        assert not (tmp_path / "matrix.json").exists()

    def test_has_the_markers_that_the_results_are_read_by(self):
        assert set(MARKERS) == set(test_results.MARKERS)

    def started(self, path):
        matrix = Matrix(path)
        matrix.pytest_sessionstart()
        return matrix
