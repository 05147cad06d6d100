"""Test results of a release: shown where they are given, and called missing where they are not."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from html import unescape

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from integrations.review import evidence
from integrations.review.evidence import claim_register, test_results
from integrations.review.evidence.test_results import InvalidTestResults, MissingTestResults
from limited_use.policy import clauses
from limited_use.policy.clauses import CLAUSES
from tests.review.conftest import as_worker, make_run

PASSED = {"marker": "clause", "id": "LU-1", "test": "tests/a.py::TestA::test_is_read"}
ROWS = [
    {**PASSED, "outcome": "passed"},
    {**PASSED, "test": "tests/a.py::test_counts[1]", "outcome": "failed"},
    {**PASSED, "test": "tests/a.py::test_counts[2]", "outcome": "passed"},
]
MISSING = "Test results are missing: this release was started without them."


def text(answer):
    assert answer.status_code == 200
    return " ".join(unescape(re.sub(r"<[^>]+>", "", answer.content.decode())).split())


def section():
    with as_worker():
        made = evidence.make_bundle(at=timezone.now())
    return json.loads(made)["sections"]["tests"]["content"]


@pytest.mark.django_db(transaction=False)
@pytest.mark.invariant(14)
class TestWithoutResults:
    @pytest.mark.parametrize("path", ["/review/", "/review/clauses/LU-1/", "/review/evidence/"])
    def test_each_page_says_that_they_are_missing(self, rita, path):
        shown = text(rita.get(path))

        assert MISSING in shown
        assert "manage.py load_test_results FILE" in shown

    def test_no_page_counts_them(self, rita):
        shown = text(rita.get("/review/clauses/LU-1/"))

        assert not re.search(r"\d+ tests? bears? this id|No test", shown)
        assert rita.get("/review/clauses/").content.count(
            b'data-label="Tests" class="number">missing<'
        ) == (len(CLAUSES))

    def test_the_evidence_says_that_they_are_missing(self, used):
        assert section() == {"results": "missing", "why": "this release was started without them"}

    def test_a_file_that_is_gone_is_the_same(self, settings, tmp_path):
        settings.TEST_RESULTS = str(tmp_path / "gone.json")

        assert test_results.load_results() == MissingTestResults(test_results.NOT_GIVEN)


@pytest.mark.django_db(transaction=False)
@pytest.mark.invariant(14)
class TestWithResults:
    def test_a_clause_shows_its_tests_and_how_the_run_went(self, rita, with_results):
        with_results(make_run(rows=ROWS, at=datetime(2026, 11, 27, 10, 30, tzinfo=UTC)))

        shown = text(rita.get("/review/clauses/LU-1/"))

        assert "Test run of 27 Nov 2026, 10:30 UTC: 3 tests, 1 failed." in shown
        assert "2 tests bear this id" in shown
        assert "a is read" in shown
        assert "counts failed" in shown
        assert "missing" not in shown
        assert "has changed" not in shown

    def test_a_clause_without_a_test_says_so(self, rita, with_results):
        with_results(make_run(rows=ROWS))

        assert "No test of that run bears this id." in text(rita.get("/review/clauses/LU-2/"))

    def test_the_list_counts_them(self, rita, with_results):
        with_results(make_run(rows=ROWS))

        shown = rita.get("/review/clauses/").content.decode()

        assert shown.count('data-label="Tests" class="number">2<') == 1
        assert shown.count('data-label="Tests" class="number">0<') == len(CLAUSES) - 1

    def test_pages_and_evidence_say_that_they_are_of_other_code(self, rita, used, with_results):
        with_results(make_run(rows=ROWS, code={"config": "0" * 64}))

        assert "The code has changed since that run." in text(rita.get("/review/evidence/"))
        assert section()["of_this_code"] is False

    def test_the_evidence_names_each_test_with_its_outcome(self, used, with_results):
        with_results(make_run(rows=ROWS))

        found = section()

        assert (found["results"], found["tests"], found["failed"]) == ("included", 3, 1)
        assert found["of_this_code"] is True
        assert found["outcomes"]["clause"] == {
            "LU-1": {
                "tests/a.py::TestA::test_is_read": "passed",
                "tests/a.py::test_counts": "failed",
            }
        }

    def test_are_read_again_when_their_file_changes(self, with_results):
        with_results(make_run(rows=ROWS))
        before = test_results.load_results()
        with_results(make_run(rows=ROWS[:1]))

        assert (before.test_count, test_results.load_results().test_count) == (3, 1)


CLAIM = {
    "marker": "claim", "id": "status.up-to-date", "test": "tests/a.py::test_a", "outcome": "passed"
}  # fmt: skip


@pytest.mark.django_db(transaction=False)
@pytest.mark.invariant(14)
class TestClaims:
    def test_are_listed_for_a_reviewer_with_their_tests(self, rita, with_results):
        with_results(make_run(rows=[*ROWS, CLAIM]))

        shown = text(rita.get("/review/evidence/"))

        assert "Up to date.status.up-to-date integrations/connections/status_messages.pya" in shown
        assert shown.count("none in that run") == len(claim_register.collect_claims()) - 1

    def test_are_in_the_evidence_with_their_tests(self, used, with_results):
        with_results(make_run(rows=[*ROWS, CLAIM]))
        with as_worker():
            made = json.loads(evidence.make_bundle(at=timezone.now()))

        listed = {one["id"]: one for one in made["sections"]["claims"]["content"]["claims"]}
        assert listed["status.up-to-date"] == {
            "id": "status.up-to-date",
            "sentence": "Up to date.",
            "path": "integrations/connections/status_messages.py",
            "tests": {"tests/a.py::test_a": "passed"},
        }
        assert set(listed) == {claim.id for claim in claim_register.collect_claims()}

    def test_have_no_tests_where_results_are_missing(self, rita, used):
        shown = text(rita.get("/review/evidence/"))

        assert "Up to date." in shown
        assert "none in that run" not in shown


def changed(**fields):
    return json.dumps({**json.loads(make_run(rows=ROWS)), **fields}).encode()


@pytest.mark.invariant(13)
class TestResultsFile:
    @pytest.mark.parametrize(
        "content",
        [
            b"", b"no", b"7", b"[]", b"{}", b"\xff\xfe", b"[" * 100_000,
            changed(version=2),
            changed(rows=[]),
            changed(rows={"a": 1}),
            changed(rows=[1]),
            changed(rows=[{"marker": "clause"}]),
            changed(rows=[{**ROWS[0], "marker": "other"}]),
            changed(rows=[{**ROWS[0], "marker": []}]),
            changed(rows=[{**ROWS[0], "outcome": "fine"}]),
            changed(rows=[{**ROWS[0], "id": "<b>"}]),
            changed(rows=[{**ROWS[0], "id": 1}]),
            changed(rows=[{**ROWS[0], "test": "<script>"}]),
            changed(rows=[{**ROWS[0], "test": "tests/a.py"}]),
            changed(test_count="3"),
            changed(test_count=True),
            changed(failed_count=-1),
            changed(failed_count=0.5),
            changed(finished_at="yesterday"),
            changed(finished_at="2026-11-27T10:00:00"),
            changed(code_sha256=[]),
            changed(code_sha256={"config": 1}),
        ],
        ids=range(27),
    )  # fmt: skip
    def test_that_is_no_test_run_is_refused(self, content, with_results):
        with pytest.raises(InvalidTestResults):
            test_results.parse_test_results(content)

        with_results(content)
        assert test_results.load_results().reason.startswith("their file is not valid (")

    def test_that_is_too_large_is_not_read(self, monkeypatch, with_results):
        monkeypatch.setattr(test_results, "LARGEST", 100)
        with_results(make_run(rows=ROWS))

        assert test_results.load_results() == MissingTestResults(
            "their file is not valid (the file is too large)"
        )

    def test_that_is_a_folder_is_missing(self, settings, tmp_path):
        settings.TEST_RESULTS = str(tmp_path)

        assert "cannot be read (IsADirectoryError)" in test_results.load_results().reason

    @pytest.mark.django_db(transaction=False)
    def test_that_is_not_valid_breaks_no_page(self, rita, used, with_results):
        with_results(b"no")

        shown = text(rita.get("/review/clauses/LU-1/"))
        assert "are missing: their file is not valid (the content is not a test run)." in shown
        assert section()["results"] == "missing"


class TestTheCommand:
    @pytest.fixture
    def load(self, settings, tmp_path, capsys):
        settings.TEST_RESULTS = str(tmp_path / "release" / "test-results.json")

        def call(content):
            (tmp_path / "run.json").write_bytes(content)
            call_command("load_test_results", str(tmp_path / "run.json"))
            return capsys.readouterr().out

        return call

    def test_copies_the_results_of_a_whole_run(self, load):
        assert "tests, 0 failed" in load(make_run())

        found = test_results.load_results()
        enforced = [one.id for one in CLAUSES.values() if clauses.is_enforced(one)]
        assert enforced
        assert all(found.list_tests("clause", one) for one in enforced)

    def test_refuses_the_results_of_a_part_of_the_tests(self, load):
        with pytest.raises(CommandError, match=r"has no test of .*LU-2"):
            load(make_run(rows=ROWS))

        assert test_results.load_results() == MissingTestResults(test_results.NOT_GIVEN)

    def test_refuses_results_without_a_test_of_each_claim(self, load):
        rows = [row for row in json.loads(make_run())["rows"] if row["id"] != "status.up-to-date"]

        with pytest.raises(CommandError, match=r"has no test of status\.up-to-date$"):
            load(make_run(rows=rows))

    def test_refuses_the_results_of_other_code(self, load):
        with pytest.raises(CommandError, match="different code than this release"):
            load(make_run(code={"config": "0" * 64}))

    def test_refuses_another_file(self, load):
        with pytest.raises(CommandError, match="not a test run"):
            load(b"{}")

    def test_says_that_no_place_is_set(self, settings, tmp_path):
        settings.TEST_RESULTS = ""

        with pytest.raises(CommandError, match="TEST_RESULTS is not set"):
            call_command("load_test_results", str(tmp_path / "run.json"))
