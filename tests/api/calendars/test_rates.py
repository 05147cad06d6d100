"""How often a person may ask when people have time: by themself or through a feature, in all."""

from __future__ import annotations

import pytest

from accounts.rate_limit_counters import Rate
from integrations.calendar import free_busy_query
from limited_use.models import Leaf
from tests.api import schema
from tests.api.calendars.asking import WEEK, availability, free_busy, post_json, scheduler

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("week")]


@pytest.fixture(autouse=True)
def rate(monkeypatch):
    monkeypatch.setattr(free_busy_query, "RATE", Rate("free-busy", 3, 60))


def test_both_questions_and_all_callers_of_one_person_count_together(alice, hers, his):
    free_busy(hers, "me")
    availability(hers, "me")
    free_busy(scheduler(alice), "me")
    before = Leaf.objects.count()

    meeting = {"duration_minutes": 60, "participants": [{"user_id": "me"}]}

    for path, more in (("free-busy", {"people": ["me"]}), ("availability", meeting)):
        answer = post_json(hers, path, {**WEEK, **more})

        said = schema.problem(answer, 429, "rate-limited")
        assert said["limited_by"] == "self"
        assert 0 < int(answer.headers["Retry-After"]) <= 60

    # Nothing was decided, and so nothing opened; and nobody else is kept from asking.
    assert Leaf.objects.count() == before
    assert free_busy(his, "me")["data"][0]["time_slots"] == []


def test_a_question_that_is_none_is_not_counted(hers):
    for _ in range(4):
        schema.problem(post_json(hers, "free-busy", {}), 400, "bad-request")

    free_busy(hers, "me")
