"""How often the API may be called, and what it says of that."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import timezone

from accounts import rate_limit_counters, route_limits
from accounts.models import Delegation, RateCount
from accounts.rate_limit_counters import Rate
from integrations.web.api.api_rate_limits import DRAFT, make_headers
from tests.api import cast, schema

pytestmark = pytest.mark.django_db
MESSAGES = "/v1/users/me/messages"


@pytest.fixture(autouse=True)
def _scale(settings):
    settings.RATE_LIMIT_SCALE = 1


def use_up(rate: Rate, key: str) -> None:
    """Leave nothing of a rate; a count each would take long for some."""
    rate_limit_counters.add_rate_limit_count(rate, key, at=timezone.now())
    counter = RateCount.objects.filter(key_hash=rate_limit_counters._hash_key(rate, key))
    assert counter.update(count=rate.limit) == 1


def check_refusal(answer) -> None:
    said = schema.problem(answer, 429, "rate-limited")
    assert said["limited_by"] == "self"
    assert 0 < int(answer["Retry-After"]) <= 60


class TestHeaders:
    def test_tell_policy_and_what_is_left(self, hers):
        first, second = hers.get(MESSAGES), hers.get(MESSAGES)

        assert first["RateLimit-Policy"] == '"read";q=1200;w=60'
        left = [
            re.fullmatch(r'"read";r=(\d+);t=(\d+)', answer["RateLimit"]).groups()
            for answer in (first, second)
        ]
        assert [int(remaining) for remaining, _ in left] == [1199, 1198]
        assert all(0 < int(seconds) <= 60 for _, seconds in left)

    def test_tell_each_limit_that_was_counted(self, alice, hers):
        answer = hers.post("/v1/users/me/free-busy", "{}", content_type="application/json")
        asked = {"start": "2026-05-04T00:00:00Z", "end": "2026-05-05T00:00:00Z", "people": ["me"]}
        both = hers.post("/v1/users/me/free-busy", asked, content_type="application/json")

        classes = '"write";q=300;w=60, "provider";q=240;w=60'
        assert answer["RateLimit-Policy"] == classes
        assert both["RateLimit-Policy"] == f'{classes}, "free-busy";q=60;w=60'

    def test_come_with_refusals_and_problems(self, hers):
        assert "RateLimit" in hers.get(f"{MESSAGES}?nonsense=1")
        assert "RateLimit" in Client().get(MESSAGES)
        assert "RateLimit" in Client().get("/v1/nothing")

    def test_are_described_with_the_revision_of_the_draft(self):
        described = schema.read_strict_document()

        for name in ("RateLimit", "RateLimit-Policy"):
            assert DRAFT in described["components"]["headers"][name]["description"]
        for methods in described["paths"].values():
            for told in methods.values():
                found = {code: answer.get("headers") for code, answer in told["responses"].items()}
                assert "Retry-After" in found["429"]
                assert all("RateLimit" in found[code] for code in found if code[0] == "2")

    def test_are_absent_where_nothing_was_counted(self):
        assert make_headers([]) == {}


class TestTheLimit:
    def test_is_per_person_and_class_of_route(self, alice, bob, hers):
        use_up(route_limits.READ, f"person {alice.user.pk}")

        check_refusal(hers.get(MESSAGES))
        assert hers.post("/v1/users/me/free-busy", "{}", "application/json").status_code == 400
        assert cast.browser(bob.user).get(MESSAGES).status_code == 200

    def test_of_a_service_client_is_not_its_persons(self, alice, hers, widget):
        delegation = Delegation.objects.get(user=alice.user)
        client = cast.ServiceClient.objects.get(feature=delegation.feature)
        use_up(route_limits.READ, f"client {client.pk} {alice.user.pk}")

        check_refusal(widget.get(MESSAGES))
        assert hers.get(MESSAGES).status_code == 200

    @pytest.mark.parametrize("path", [MESSAGES, "/v1/nothing"])
    def test_of_anonymous_calls_is_per_network(self, path, db):
        use_up(route_limits.ANONYMOUS, "network 127.0.0.1")

        answer = Client().get(path)

        assert (answer.status_code, answer.json()["code"]) == (429, "rate-limited")
        assert Client().get(path, REMOTE_ADDR="192.0.2.1").status_code in {401, 404}

    def test_of_calls_with_a_bad_token_is_per_network(self, db):
        bad = cast.bearer("nonsense")
        before = bad.get(MESSAGES).status_code
        use_up(route_limits.BAD_TOKEN, "network 127.0.0.1")

        assert before == 401
        check_refusal(bad.get(MESSAGES))
