"""The examples do not depend on the time of the run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.examples.stable_values import StableValues

DAY = datetime(2026, 12, 3, 9, tzinfo=UTC)


def replace_text(text: str, at: datetime) -> str:
    replaced = StableValues(at, DAY, "https://service.example").replace(text)
    assert isinstance(replaced, str)
    return replaced


@pytest.mark.parametrize("seconds", range(0, 301, 2))
def test_times_of_the_run_are_one_time(seconds):
    at = datetime(2026, 12, 1, 7, 24, 58, tzinfo=UTC)
    time = at + timedelta(seconds=seconds)

    assert replace_text(f"{time:%Y%m%dT%H%M%SZ}", at) == "20260302T090000Z"
    assert replace_text(f"{time:%Y-%m-%dT%H:%M:%SZ}", at) == "2026-03-02T09:00:00Z"


@pytest.mark.parametrize("hour", [0, 9, 23])
def test_times_of_events_keep_their_distance(hour):
    at = DAY.replace(day=1, hour=hour, minute=20, second=1)

    assert replace_text("2026-12-03T10:15:00Z", at) == "2026-03-04T10:15:00Z"
