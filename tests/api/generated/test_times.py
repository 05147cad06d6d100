"""Times of all answers are written alike."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from tests.api.generated import callers
from tests.api.generated.operations import OPERATIONS
from tests.api.generated.test_known_requests import make_case

pytestmark = pytest.mark.django_db

TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")


def list_times(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Return each string that begins with a time, and its member."""
    if isinstance(value, dict):
        for key, nested in value.items():
            yield from list_times(nested, f"{name}/{key}")
    elif isinstance(value, list):
        for nested in value:
            yield from list_times(nested, name)
    elif isinstance(value, str) and TIME.match(value):
        yield name, value


class TestTimes:
    @pytest.fixture
    def all_callers(self, person, own, features):
        return [person, own, *features]

    @pytest.mark.parametrize("operation_id", OPERATIONS)
    def test_are_in_utc_and_end_in_z(self, described, known, all_callers, operation_id):
        case = make_case(described, operation_id, known[operation_id])
        for caller in all_callers:
            answer = callers.send_case(case, caller)
            if "json" in answer.headers.get("content-type", [""])[0]:
                times = list(list_times(orjson.loads(answer.content)))
                assert [time for time in times if not time[1].endswith("Z")] == []
