"""How often the API may be called, and what it says of that."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts import api_tokens, client_usage, clients, rate_limit_counters, route_limits
from accounts.models import ClientHour, Delegation, RateCount
from accounts.rate_limit_counters import Rate
from integrations.web.api.api_rate_limits import DRAFT, make_headers
from tests.api import cast, schema

pytestmark = pytest.mark.django_db
MESSAGES = "/v1/users/me/messages"
SHARED = '"user";q=3000;w=60, "organisation";q=12000;w=60'


@pytest.fixture(autouse=True)
def _scale(settings):
    settings.RATE_LIMIT_SCALE = 1


def use_up(rate: Rate, key: str) -> None:
    """Leave nothing of a rate; a count each would take long for some."""
    rate_limit_counters.add_rate_limit_count(rate, key, at=timezone.now())
    counter = RateCount.objects.filter(key_hash=rate_limit_counters._hash_key(rate, key))
    assert counter.update(count=rate.limit) == 1


def check_refusal(answer, limit: str) -> None:
    said = schema.problem(answer, 429, "rate-limited")
    assert (said["limited_by"], said["limit"]) == ("self", limit)
    assert 0 < int(answer["Retry-After"]) <= 60


def read_limits(answer) -> dict[str, int]:
    """Return what is left of each limit, by its name."""
    parts = answer["RateLimit"].split(", ")
    matches = [re.fullmatch(r'"([a-z-]+)";r=(\d+);t=(\d+)', part) for part in parts]
    assert all(0 < int(match[3]) <= 60 for match in matches)
    return {match[1]: int(match[2]) for match in matches}


class TestHeaders:
    def test_tell_policy_and_what_is_left(self, hers):
        first, second = hers.get(MESSAGES), hers.get(MESSAGES)

        assert first["RateLimit-Policy"] == f'"read";q=1200;w=60, {SHARED}'
        assert read_limits(first) == {"read": 1199, "user": 2999, "organisation": 11999}
        assert read_limits(second) == {"read": 1198, "user": 2998, "organisation": 11998}

    def test_tell_a_service_client_each_of_its_limits(self, widget):
        answer = widget.get(MESSAGES)

        assert answer["RateLimit-Policy"] == (
            f'"delegation-read";q=1200;w=60, "client";q=6000;w=60, {SHARED}'
        )
        assert read_limits(answer) == {
            "delegation-read": 1199,
            "client": 5999,
            "user": 2999,
            "organisation": 11999,
        }

    def test_tell_each_limit_that_was_counted(self, alice, hers):
        answer = hers.post("/v1/users/me/free-busy", "{}", content_type="application/json")
        asked = {"start": "2026-05-04T00:00:00Z", "end": "2026-05-05T00:00:00Z", "people": ["me"]}
        both = hers.post("/v1/users/me/free-busy", asked, content_type="application/json")

        classes = f'"write";q=300;w=60, "provider";q=240;w=60, {SHARED}'
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

        check_refusal(hers.get(MESSAGES), "read")
        assert hers.post("/v1/users/me/free-busy", "{}", "application/json").status_code == 400
        assert cast.browser(bob.user).get(MESSAGES).status_code == 200

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
        check_refusal(bad.get(MESSAGES), "bad-token")


class TestAnUnknownUrl:
    """A client with a wrong URL leaves the limit of its network to others."""

    PATHS = (f"{MESSAGES}/not-an-id", "/v1/nothing")

    @pytest.fixture
    def own(self, widget):
        client = cast.ServiceClient.objects.get(client_id="inbox-widget")
        return cast.bearer(api_tokens.issue_client_token(client=client, at=timezone.now()))

    @pytest.mark.parametrize("path", PATHS)
    def test_counts_for_its_caller(self, hers, widget, own, path):
        use_up(route_limits.ANONYMOUS, "network 127.0.0.1")

        by_caller = {
            name: caller.get(path)
            for name, caller in {"person": hers, "feature": widget, "client": own}.items()
        }

        assert {answer.status_code for answer in by_caller.values()} == {404}
        assert {name: set(read_limits(answer)) for name, answer in by_caller.items()} == {
            "person": {"read", "user", "organisation"},
            "feature": {"delegation-read", "client", "user", "organisation"},
            "client": {"client"},
        }

    def test_counts_a_post_without_a_csrf_token_too(self, alice):
        browser = cast.browser(alice.user, strict=True)

        answer = browser.post("/v1/nothing")

        assert (answer.status_code, "write" in read_limits(answer)) == (404, True)

    def test_is_limited_for_a_caller(self, alice, widget):
        use_up(route_limits.USER, f"user {alice.user.id}")

        check_refusal(widget.get("/v1/nothing"), "user")

    @pytest.mark.parametrize("header", ["Bearer nonsense", "Basic eDp5", "Bearer", ""])
    def test_counts_for_the_network_without_valid_credentials(self, db, header):
        answer = Client(headers={"Authorization": header}).get("/v1/nothing")

        schema.problem(answer, 404, "not-found")
        assert set(read_limits(answer)) == {"anonymous"}


class TestTheLimitsOfAServiceClient:
    @pytest.fixture
    def client(self, widget):
        return cast.ServiceClient.objects.get(client_id="inbox-widget")

    @pytest.fixture
    def other(self, alice, widget):
        """A second client of the same feature, for the same delegation."""
        second = clients.create_service_client(
            client_id="inbox-widget-2",
            feature="inbox-widget",
            purposes=["inbox.display"],
            jwks=cast.KEYS,
            at=timezone.now(),
        )
        return cast.feature(second, Delegation.objects.get(user=alice.user))

    @pytest.mark.parametrize(
        ("rate", "key"),
        [
            (route_limits.DELEGATION_READ, "delegation {delegation}"),
            (route_limits.CLIENT, "client {client}"),
            (route_limits.USER, "user {user}"),
            (route_limits.ORGANISATION, "organisation {organisation}"),
        ],
        ids=lambda value: getattr(value, "name", ""),
    )
    def test_are_each_reached_alone(self, alice, widget, client, rate, key):
        ids = {
            "delegation": Delegation.objects.get(user=alice.user).id,
            "client": client.id,
            "user": alice.user.id,
            "organisation": alice.organisation.id,
        }
        use_up(rate, key.format(**ids))
        before = list(RateCount.objects.values_list("key_hash", "count").order_by("key_hash"))

        answer = widget.get(MESSAGES)

        check_refusal(answer, rate.name)
        left = read_limits(answer)
        assert left.pop(rate.name) == 0
        # Nothing of what the client shares with others is used up.
        assert all(left.values())
        assert (
            list(RateCount.objects.values_list("key_hash", "count").order_by("key_hash")) == before
        )
        assert not ClientHour.objects.exists()

    def test_name_the_one_with_the_longest_wait(self, alice, widget, client, time_machine):
        at = timezone.now()
        time_machine.move_to(at, tick=False)
        use_up(route_limits.CLIENT, f"client {client.id}")
        time_machine.move_to(at + timedelta(seconds=20), tick=False)
        use_up(route_limits.USER, f"user {alice.user.id}")

        answer = widget.get(MESSAGES)

        check_refusal(answer, "user")
        assert answer["Retry-After"] == "60"

    def test_are_apart_from_those_of_the_person(self, alice, hers, widget):
        use_up(
            route_limits.DELEGATION_READ,
            f"delegation {Delegation.objects.get(user=alice.user).id}",
        )

        check_refusal(widget.get(MESSAGES), "delegation-read")
        assert hers.get(MESSAGES).status_code == 200

    def test_are_not_those_of_another_client(self, widget, other, client):
        use_up(route_limits.CLIENT, f"client {client.id}")

        check_refusal(widget.get(MESSAGES), "client")
        assert other.get(MESSAGES).status_code == 200

    def test_count_for_the_person_and_the_organisation_with_those_of_others(
        self, widget, other, hers, bob
    ):
        widget.get(MESSAGES)
        other.get(MESSAGES)
        hers.get(MESSAGES)

        answer = cast.browser(bob.user).get(MESSAGES)

        assert read_limits(answer) == {"read": 1199, "user": 2999, "organisation": 11996}
        assert read_limits(hers.get(MESSAGES))["user"] == 2996

    def test_of_an_organisation_are_not_those_of_another(self, alice, hers, mallory):
        use_up(route_limits.ORGANISATION, f"organisation {alice.organisation.id}")

        check_refusal(hers.get(MESSAGES), "organisation")
        assert cast.browser(mallory.user).get(MESSAGES).status_code == 200

    @pytest.mark.parametrize("page", ["/inbox/", "/settings/features/inbox-widget/"])
    def test_keep_no_person_from_a_page(self, alice, hers, page):
        """Where a person switches the feature off that uses their limits up."""
        use_up(route_limits.USER, f"user {alice.user.id}")
        use_up(route_limits.ORGANISATION, f"organisation {alice.organisation.id}")

        check_refusal(hers.get(MESSAGES), "user")
        assert hers.get(page).status_code == 200

    def test_count_people_as_well(self, bob, widget, client, time_machine):
        # Past the minute in which the token was given out.
        time_machine.move_to(timezone.now() + timedelta(minutes=1), tick=False)
        client.users_per_minute = 1
        client.save()
        client_usage.count_client_user(client=client, user_id=bob.user.id, at=timezone.now())

        refusal = widget.get(MESSAGES)
        check_refusal(refusal, "people")
        # As the guide *Limits* says.
        assert set(read_limits(refusal)) == {"bad-token"}

    def test_of_refused_callers_are_per_network(self, bob, widget, client, time_machine):
        time_machine.move_to(timezone.now() + timedelta(minutes=1), tick=False)
        client.users_per_minute = 1
        client.removals_due_at = None
        client.save()
        client_usage.count_client_user(client=client, user_id=bob.user.id, at=timezone.now())
        use_up(route_limits.BAD_TOKEN, "network 127.0.0.1")

        check_refusal(widget.get(MESSAGES), "bad-token")

        client.removals_due_at = timezone.now() - timedelta(hours=1)
        client.save()
        check_refusal(widget.get(MESSAGES), "bad-token")

    def test_are_multiplied_by_the_setting(self, widget, client, settings):
        settings.RATE_LIMIT_SCALE = 2
        use_up(route_limits.CLIENT, f"client {client.id}")

        answer = widget.get(MESSAGES)

        assert answer.status_code == 200
        assert read_limits(answer)["client"] == 5999
