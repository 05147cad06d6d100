"""A client that makes 50 times its usual requests is refused, and an operator may let it go on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client, override_settings
from django.utils import timezone

from accounts import api_tokens, clients, rate_limit_counters
from accounts.models import Alarm, AlarmKind, ClientHour, Delegation, RateCount, ServiceClient
from accounts.tasks import compute_usual_volumes
from integrations.operations import alarm_guide
from limited_use.models import Leaf
from limited_use.usage import settled_alarms
from tests.api import cast, schema
from tests.walls import acting_as

pytestmark = pytest.mark.django_db
MESSAGES = "/v1/users/me/messages"
OWN = "/v1/delegations"
AT = datetime(2026, 11, 25, 12, 10, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock(settings, time_machine):
    settings.RATE_LIMIT_SCALE = 1
    time_machine.move_to(AT, tick=False)
    return time_machine


@pytest.fixture
def client(clock) -> ServiceClient:
    return cast.widget()


@pytest.fixture
def delegation(alice, client) -> Delegation:
    return cast.switch_on(alice, client)


@pytest.fixture
def ask(client, delegation):
    """Return an answer to the client, with a fresh token: tokens end before the hour does."""

    def ask_with_fresh_token():
        return cast.feature(client, delegation).get(MESSAGES)

    return ask_with_fresh_token


def add_requests(client: ServiceClient, count: int, *, hours_ago: int = 0) -> None:
    hour_at = timezone.now().replace(minute=0, second=0) - timedelta(hours=hours_ago)
    ClientHour.objects.update_or_create(
        client=client, hour_at=hour_at, defaults={"request_count": count}
    )


def settle(kind: str) -> None:
    with acting_as("staff"):
        alarm = Alarm.objects.open().get(kind=kind)
        settled_alarms.settle_alarm(alarm.id, reason="their new product", at=timezone.now())


class TestUnusualVolume:
    def test_of_the_last_moment_of_an_hour_is_that_of_this_hour(
        self, client, ask, clock, monkeypatch
    ):
        clock.move_to(AT.replace(minute=59, second=59), tick=False)
        add_requests(client, 30_000)
        count = rate_limit_counters.add_request_counts

        def count_until_the_next_hour(*arguments, **named):
            counts = count(*arguments, **named)
            clock.move_to(AT.replace(hour=13, minute=0), tick=False)
            return counts

        monkeypatch.setattr(rate_limit_counters, "add_request_counts", count_until_the_next_hour)

        answer = ask()

        assert (answer.status_code, answer["Retry-After"]) == (429, "1")
        assert "T12" in Alarm.objects.get(kind=AlarmKind.UNUSUAL_VOLUME).window

    def test_is_refused_with_the_rest_of_the_hour(self, client, ask):
        add_requests(client, 29_999)

        assert ask().status_code == 200
        refused = ask()

        said = schema.problem(refused, 429, "unusual-volume")
        assert said["limited_by"] == "self"
        assert "limit" not in said
        assert refused["Retry-After"] == str(50 * 60)
        assert '"client";r=' in refused["RateLimit"]

    def test_opens_nothing(self, client, ask):
        add_requests(client, 30_000)
        before = Leaf.objects.count()

        assert ask().status_code == 429
        assert Leaf.objects.count() == before

    def test_raises_an_alarm_that_says_what_to_do(self, client, ask):
        add_requests(client, 30_000)

        for _ in range(3):
            ask()

        alarm = Alarm.objects.get()
        assert (alarm.kind, alarm.about) == ("client.unusual_volume", client.id)
        assert "Settle the alarm" in alarm_guide.get_alarm_next_step(alarm.kind)

    def test_is_over_in_the_next_hour(self, client, ask, clock):
        add_requests(client, 30_000)
        refused = ask()

        clock.move_to(AT + timedelta(seconds=int(refused["Retry-After"])), tick=False)

        assert ask().status_code == 200
        assert [hour.request_count for hour in ClientHour.objects.order_by("hour_at")] == [
            30_001,
            1,
        ]

    def test_is_allowed_for_the_hour_by_an_operator(self, client, ask, clock):
        add_requests(client, 30_000)
        assert ask().status_code == 429

        settle("client.unusual_volume")

        assert ask().status_code == 200
        clock.move_to(AT + timedelta(hours=1), tick=False)
        add_requests(client, 30_000)
        assert ask().status_code == 429
        assert Alarm.objects.open().count() == 1

    def test_is_measured_by_the_clients_own_hours(self, client, ask):
        for hours_ago in range(1, 6):
            add_requests(client, 1_000 * hours_ago, hours_ago=hours_ago)
        with acting_as("purge"):
            compute_usual_volumes()

        add_requests(client, 149_999)

        assert ask().status_code == 200
        assert ask().status_code == 429
        assert Alarm.objects.get().body["limit"] == 150_000

    def test_of_one_client_keeps_no_other_and_no_person(self, alice, client, delegation, ask):
        add_requests(client, 30_000)
        other = clients.create_service_client(
            client_id="inbox-widget-2",
            feature="inbox-widget",
            purposes=["inbox.display"],
            jwks=cast.KEYS,
            at=AT,
        )

        assert ask().status_code == 429
        assert cast.feature(other, delegation).get(MESSAGES).status_code == 200
        assert cast.browser(alice.user).get(MESSAGES).status_code == 200

    def test_is_raised_for_new_clients_by_the_setting(self, client, ask):
        add_requests(client, 30_000)

        with override_settings(RATE_LIMIT_SCALE=2):
            assert ask().status_code == 200


class TestAClientsOwnToken:
    @pytest.fixture
    def own(self, client) -> Client:
        return cast.bearer(api_tokens.issue_client_token(client=client, at=timezone.now()))

    def test_counts_for_the_client_alone(self, client, own):
        answer = own.get(OWN)

        assert answer.status_code == 200
        assert answer["RateLimit-Policy"] == '"client";q=6000;w=60'
        assert ClientHour.objects.get().request_count == 1

    def test_shares_the_rate_with_requests_for_people(self, own, ask):
        ask()

        assert own.get(OWN)["RateLimit"] == '"client";r=5998;t=60'

    def test_is_refused_beyond_it(self, own):
        own.get(OWN)
        RateCount.objects.update(count=6_000)

        said = schema.problem(own.get(OWN), 429, "rate-limited")

        assert (said["limited_by"], said["limit"]) == ("self", "client")

    def test_is_refused_beyond_the_usual_volume(self, client, own):
        add_requests(client, 30_000)

        schema.problem(own.get(OWN), 429, "unusual-volume")
