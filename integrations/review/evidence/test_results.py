"""
Results of a test run: the tests of each clause, invariant, control, scenario and claim.

`pytest --matrix=FILE` writes the file; `manage.py load_test_results FILE` checks it and copies it
to the path in `TEST_RESULTS`. Production has no tests: without the file, evidence and reviewer's
pages say that results are missing.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from limited_use.evidence.evidence_sections import EvidenceBasis, EvidenceSection

from . import code_hashes

VERSION: Final = 1
MARKERS: Final = ("clause", "invariant", "control", "scenario", "claim")
# From best to worst: a test with parameters has the worst outcome of its cases.
OUTCOMES: Final = ("passed", "skipped", "failed")
NOT_GIVEN: Final = "this release was started without them"
LARGEST: Final = 32 * 1024 * 1024
_ID: Final = re.compile(r"[\w.-]{1,40}")
_TEST: Final = re.compile(r"[\w./-]{1,200}(::\w{1,200}){1,5}")

# marker → id → test → outcome
Outcomes = Mapping[str, Mapping[str, Mapping[str, str]]]


class InvalidTestResults(Exception):
    """The content was not written by `pytest --matrix=FILE`."""


@dataclass(frozen=True, slots=True)
class MissingTestResults:
    reason: str

    @property
    def is_missing(self) -> bool:
        return True

    def list_tests(self, _marker: str, _value: str) -> Mapping[str, str]:
        return {}


@dataclass(frozen=True, slots=True)
class TestRunResults:
    """
    :param test_count: tests that ran, with or without a marker
    :param code: hashes of the tested code, see `code_hashes`
    """

    finished_at: datetime
    test_count: int
    failed_count: int
    code: Mapping[str, str]
    outcomes: Outcomes

    @property
    def is_missing(self) -> bool:
        return False

    @property
    def is_of_this_code(self) -> bool:
        return dict(self.code) == dict(code_hashes.hash_packages())

    def list_tests(self, marker: str, value: str) -> Mapping[str, str]:
        return self.outcomes.get(marker, {}).get(value, {})


def load_results() -> TestRunResults | MissingTestResults:
    path = Path(settings.TEST_RESULTS or "/nowhere")
    try:
        status = path.stat()
        return _read_file(path, status.st_mtime_ns, status.st_size)
    except FileNotFoundError:
        return MissingTestResults(NOT_GIVEN)
    except OSError as error:
        return MissingTestResults(f"their file cannot be read ({type(error).__name__})")
    except InvalidTestResults as problem:
        return MissingTestResults(f"their file is not valid ({problem})")


@lru_cache(maxsize=1)
def _read_file(path: Path, _mtime: int, size: int) -> TestRunResults:
    if size > LARGEST:
        raise InvalidTestResults("the file is too large")
    return parse_test_results(path.read_bytes())


def parse_test_results(content: bytes) -> TestRunResults:
    """
    Parse untrusted `content`.

    :raises InvalidTestResults:
    """
    try:
        run = json.loads(content)
        if run["version"] != VERSION:
            raise InvalidTestResults("the version is unknown")
        return TestRunResults(
            finished_at=_parse_time(run["finished_at"]),
            test_count=_parse_count(run["test_count"]),
            failed_count=_parse_count(run["failed_count"]),
            code={
                _parse_text(key): _parse_text(value) for key, value in run["code_sha256"].items()
            },
            outcomes=_group_rows(run["rows"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise InvalidTestResults("the content is not a test run") from None


def _group_rows(rows: object) -> Outcomes:
    grouped: dict[str, dict[str, dict[str, str]]] = {
        marker: defaultdict(dict) for marker in MARKERS
    }
    if not isinstance(rows, list) or not rows:
        raise InvalidTestResults("no test in it bears an id")
    for row in rows:
        test = row["test"].partition("[")[0]
        if not _ID.fullmatch(row["id"]) or not _TEST.fullmatch(test):
            raise InvalidTestResults("a row names no test")
        tests = grouped[row["marker"]][row["id"]]
        tests[test] = max(row["outcome"], tests.get(test, "passed"), key=OUTCOMES.index)
    return {
        marker: {value: dict(sorted(tests.items())) for value, tests in sorted(ids.items())}
        for marker, ids in grouped.items()
    }


def _parse_time(value: str) -> datetime:
    time = datetime.fromisoformat(value)
    if time.tzinfo is None:
        raise InvalidTestResults("the time has no zone")
    return time


def _parse_count(value: object) -> int:
    if type(value) is not int or value < 0:
        raise InvalidTestResults("a count is not a number")
    return value


def _parse_text(value: object) -> str:
    if not isinstance(value, str) or len(value) > 100:  # noqa: PLR2004 - a hash has 64
        raise InvalidTestResults("a hash is not a text")
    return value


def _build_content(_: datetime) -> Mapping[str, Any]:
    results = load_results()
    if isinstance(results, MissingTestResults):
        return {"results": "missing", "why": results.reason}
    return {
        "results": "included",
        "finished_at": results.finished_at.isoformat(timespec="seconds"),
        "tests": results.test_count,
        "failed": results.failed_count,
        "code_sha256": dict(results.code),
        "of_this_code": results.is_of_this_code,
        "outcomes": results.outcomes,
    }


SECTION: Final = EvidenceSection(
    key="tests",
    title="Test results",
    says="The tests of each clause, invariant, control, scenario and claim, with their outcomes.",
    basis=EvidenceBasis.TEST,
    content=_build_content,
)
