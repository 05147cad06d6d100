import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


class TestMatrix:
    @pytest.mark.parametrize("workers", [[], ["-n", "1"]])
    def test_is_written_with_marker_id_test_and_outcome(self, tmp_path, workers):
        target = tmp_path / "matrix.json"

        subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-q", "--matrix", str(target), *workers),
                "tests/config/test_logging.py::TestRequestLog",
            ],
            cwd=ROOT,
            check=True,
            capture_output=True,
        )

        rows = json.loads(target.read_text())
        assert {(row["marker"], row["id"], row["outcome"]) for row in rows} == {
            ("control", "2.1.1", "passed"),
            ("control", "6.5.1", "passed"),
        }
