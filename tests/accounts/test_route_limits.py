"""How many requests each class of pages takes, by whom they are counted, and what is answered."""

from __future__ import annotations

import pytest
import time_machine
from django.test import Client

from accounts import rate_limit_counters, route_limits
from accounts.models import RateCount
from accounts.rate_limit_counters import Rate
from tests.accounts.cast import AT, PASSWORD, post_form, sign_in

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"
NOWHERE = "/no/such/page/"
HERE, THERE = "2001:db8:1:2::1", "2001:db8:1:3::1"


@pytest.fixture(autouse=True)
def clock(settings):
    settings.RATE_LIMIT_SCALE = 1
    with time_machine.travel(AT, tick=False) as travelled:
        yield travelled


def use_up(rate: Rate, key: str) -> None:
    """Leave nothing of a rate; a count each would take long for some."""
    assert rate_limit_counters.add_rate_limit_count(rate, key, at=AT).is_within
    counter = RateCount.objects.filter(key_hash=key_hash(rate, key))
    assert counter.update(count=rate.limit) == 1


def key_hash(rate: Rate, key: str) -> bytes:
    return rate_limit_counters._hash_key(rate, key)


def counts() -> dict[bytes, int]:
    """Return the counts of all counters by hash."""
    return {bytes(row.key_hash): row.count for row in RateCount.objects.all()}


def network(address: str = "127.0.0.1") -> str:
    return f"network {address}"


ANONYMOUS = key_hash(route_limits.ANONYMOUS, network())


class TestAnonymousPages:
    @pytest.mark.control("3.1.5")
    @pytest.mark.parametrize("path", ["/", LOGIN, "/keys/", NOWHERE])
    def test_are_refused_beyond_the_rate_of_a_network(self, path):
        use_up(route_limits.ANONYMOUS, network("2001:db8:1:2::/64"))

        refused = Client().get(path, REMOTE_ADDR="2001:db8:1:2:ffff::7")
        elsewhere = Client().get(path, REMOTE_ADDR=THERE)

        assert (refused.status_code, refused["Retry-After"]) == (429, "60")
        assert b"Too many attempts" in refused.content
        assert elsewhere.status_code == (404 if path == NOWHERE else 200)

    def test_are_answered_again_after_the_wait(self, clock):
        use_up(route_limits.ANONYMOUS, network())
        refused = Client().get(LOGIN)

        clock.shift(float(refused["Retry-After"]))

        assert Client().get(LOGIN).status_code == 200

    def test_are_answered_to_a_known_device_in_a_flooded_network(self, alice):
        browser = sign_in(alice)
        browser.post("/accounts/logout/")
        use_up(route_limits.ANONYMOUS, network())

        assert browser.get(LOGIN).status_code == 200

    @pytest.mark.parametrize("path", ["/healthz", "/readyz"])
    def test_leave_health_alone(self, path):
        use_up(route_limits.ANONYMOUS, network())

        assert Client().get(path).status_code != 429

    @pytest.mark.parametrize(("path", "status"), [(LOGIN, 200), ("/keys/", 200), (NOWHERE, 404)])
    def test_count_once_each(self, path, status):
        assert Client().get(path).status_code == status

        assert counts() == {ANONYMOUS: 1}

    @pytest.mark.control("3.1.5")
    def test_count_as_requests_and_not_as_attempts_where_a_foreign_page_posts(self):
        answer = Client(enforce_csrf_checks=True).post(LOGIN)

        assert (answer.status_code, counts()) == (403, {ANONYMOUS: 1})

    @pytest.mark.control("3.1.5")
    def test_are_refused_beyond_the_rate_where_a_foreign_page_posts(self):
        use_up(route_limits.ANONYMOUS, network())

        answer = Client(enforce_csrf_checks=True).post(LOGIN)

        assert (answer.status_code, answer["Retry-After"]) == (429, "60")

    @pytest.mark.parametrize("path", [LOGIN, NOWHERE])
    def test_share_one_counter_where_proxies_sent_too_few_addresses(self, path, settings):
        settings.ALLAUTH_TRUSTED_PROXY_COUNT = 2
        browser = Client(headers={"X-Forwarded-For": "198.51.100.7"})
        before = browser.get(path).status_code
        RateCount.objects.all().delete()
        use_up(route_limits.ANONYMOUS, network("unknown"))

        assert (before, browser.get(path).status_code) == ({LOGIN: 200, NOWHERE: 404}[path], 429)

    def test_are_multiplied_by_the_setting(self, settings):
        settings.RATE_LIMIT_SCALE = 2
        use_up(route_limits.ANONYMOUS, network())

        assert Client().get(LOGIN).status_code == 200


class TestPagesOfAPerson:
    @pytest.mark.parametrize(
        ("method", "rate"), [("get", route_limits.READ), ("post", route_limits.WRITE)]
    )
    def test_are_counted_for_the_person_whatever_the_network(self, alice, method, rate):
        browser = sign_in(alice)
        use_up(rate, f"person {alice.pk}")

        answer = getattr(browser, method)("/accounts/password/change/", REMOTE_ADDR=THERE)

        assert (answer.status_code, answer["Retry-After"]) == (429, "60")

    def test_have_reads_and_writes_apart(self, alice):
        browser = sign_in(alice)
        use_up(route_limits.WRITE, f"person {alice.pk}")

        assert browser.get("/accounts/password/change/").status_code == 200

    def test_are_counted_where_no_route_has_the_address(self, alice):
        browser = sign_in(alice)
        before = browser.get(NOWHERE).status_code
        RateCount.objects.all().delete()
        use_up(route_limits.READ, f"person {alice.pk}")

        assert (before, browser.get(NOWHERE).status_code) == (404, 429)

    def test_are_not_counted_for_the_network(self, alice):
        browser = sign_in(alice)
        use_up(route_limits.ANONYMOUS, network())

        assert browser.get("/accounts/password/change/").status_code == 200


class TestSignInPages:
    @pytest.mark.control("3.1.5")
    @pytest.mark.parametrize(
        ("path", "form", "limit"),
        [
            (LOGIN, {"login": "x@x.example", "password": "no"}, 30),
            ("/accounts/password/reset/", {"email": "x@x.example"}, 20),
            ("/accounts/login/link/", {}, 20),
        ],
    )
    def test_refuse_many_forms_of_one_network(self, path, form, limit):
        answers = [Client().post(path, form).status_code for _ in range(limit + 1)]

        assert answers.index(429) == limit

    @pytest.mark.parametrize(
        ("path", "form", "limit"),
        [
            ("/accounts/password/change/", {"oldpassword": "no"}, 5),
            ("/accounts/reauthenticate/", {"password": "no"}, 10),
        ],
    )
    def test_refuse_many_forms_of_one_person(self, alice, path, form, limit):
        browser = sign_in(alice)

        answers = [browser.post(path, form).status_code for _ in range(limit + 1)]

        assert answers.index(429) == limit


class TestProgramsWithoutASession:
    @pytest.mark.parametrize(
        "path",
        ["/webhooks/google/pubsub", "/webhooks/google/channel", "/webhooks/microsoft/channel"],
    )
    def test_are_refused_at_webhooks_beyond_the_rate_of_a_network(self, path):
        before = Client().post(path).status_code
        use_up(route_limits.WEBHOOK, network())

        answer = Client().post(path)

        assert before in {202, 403}
        assert (answer.status_code, answer["Retry-After"]) == (429, "60")

    def test_are_refused_tokens_beyond_the_rate_of_a_network(self, asking):
        form = asking.form()
        use_up(route_limits.TOKEN, network())

        answer = post_form(form)

        assert (answer.status_code, answer["Retry-After"]) == (429, "60")
        assert answer.json()["error"] == "temporarily_unavailable"
        assert "no-store" in answer["Cache-Control"]


def test_right_password_is_no_write_of_somebody_else(alice, mallory):
    use_up(route_limits.WRITE, f"person {mallory.pk}")

    answer = Client().post(LOGIN, {"login": alice.email, "password": PASSWORD})

    assert answer.status_code == 302
