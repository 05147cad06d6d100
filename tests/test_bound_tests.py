"""The reader of markers finds every marker that pytest sees."""

from __future__ import annotations

import pytest

from tests import bound_tests
from tests.bound_tests import Bound
from tests.matrix import rows_of


class TestTheReader:
    def test_misses_no_marker_that_pytest_sees(self, request):
        found = bound_tests.find_bound_tests()

        missing = {
            (row["marker"], row["id"], test)
            for item in request.session.items
            for row in rows_of(item)
            if (test := row["test"].partition("[")[0])
            not in found.get(Bound(row["marker"], row["id"]), ())
        }

        assert missing == set()


class TestReadMarkers:
    SOURCE = """
import pytest
pytestmark = [pytest.mark.invariant(6), pytest.mark.clause("WDEL", "AN-14")]
TABLE = {"a": "1.2.3"}
def bound(name):
    return pytest.param(name, marks=pytest.mark.control(TABLE[name]))
@pytest.mark.scenario("R1")
class TestOne:
    @pytest.mark.clause("LU-1")
    def test_does(self): ...
    @pytest.mark.parametrize("x", [pytest.param(1, marks=pytest.mark.clause("LU-2"))])
    def test_may(self, x): ...
    def helper(self): ...
@pytest.mark.parametrize("name", [bound(name) for name in TABLE])
def test_alone(name): ...
CASES = [pytest.param(1, marks=pytest.mark.clause("LU-3")), *CASES]
UNUSED = [pytest.param(1, marks=pytest.mark.clause("LU-4"))]
@pytest.mark.parametrize("x", CASES)
def test_case(x): ...
"""

    @pytest.mark.parametrize(
        ("marker", "value", "test"),
        [
            ("invariant", "6", "TestOne::test_does"),
            ("clause", "AN-14", "test_alone"),
            ("scenario", "R1", "TestOne::test_may"),
            ("clause", "LU-1", "TestOne::test_does"),
            ("clause", "LU-2", "TestOne::test_may"),
            ("control", "1.2.3", "test_alone"),
            ("clause", "LU-3", "test_case"),
        ],
    )
    def test_finds_a_marker_wherever_it_stands(self, marker, value, test):
        found = set(bound_tests.in_source(self.SOURCE, "tests/x.py"))

        assert (Bound(marker, value), f"tests/x.py::{test}") in found

    def test_binds_no_test_to_another_s_marker(self):
        found = set(bound_tests.in_source(self.SOURCE, "tests/x.py"))

        assert (Bound("clause", "LU-1"), "tests/x.py::TestOne::test_may") not in found
        assert not [test for _, test in found if "helper" in test]
        assert Bound("clause", "LU-4") not in {bound for bound, _ in found}
