"""Far more requests of a client than usual: refused, and an alarm that an operator settles."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts import alarms, client_volume
from accounts.client_volume import UnusualVolume, check_hour_volume
from accounts.models import Alarm, ClientHour, ServiceClient
from accounts.tasks import compute_usual_volumes, forget_expired
from tests.accounts.cast import AT, person
from tests.walls import acting_as

pytestmark = pytest.mark.django_db
HOUR = AT.replace(minute=0, second=0)
KIND = "client.unusual_volume"


@pytest.fixture(autouse=True)
def _scale(settings):
    settings.RATE_LIMIT_SCALE = 1


def add_hour(client: ServiceClient, hours_ago: int, count: int) -> None:
    ClientHour.objects.create(
        client=client, hour_at=HOUR - timedelta(hours=hours_ago), request_count=count
    )


def compute_usual(client: ServiceClient, time_machine) -> int:
    time_machine.move_to(AT, tick=False)
    with acting_as("purge"):
        compute_usual_volumes()
    client.refresh_from_db()
    return client.usual_requests_per_hour


class TestTheLimitOfAnHour:
    def test_of_a_new_client_is_fifty_times_the_least_usual_number(self, widget):
        assert client_volume.get_hour_limit(widget) == 30_000

    def test_of_a_client_with_a_history_is_fifty_times_its_usual_number(self, widget):
        widget.usual_requests_per_hour = 1_000

        assert client_volume.get_hour_limit(widget) == 50_000

    def test_of_a_quiet_client_stays_the_least(self, widget):
        widget.usual_requests_per_hour = 3

        assert client_volume.get_hour_limit(widget) == 30_000

    def test_is_raised_for_new_clients_by_the_setting(self, widget, settings):
        settings.RATE_LIMIT_SCALE = 10

        assert client_volume.get_hour_limit(widget) == 300_000


class TestUnusualVolume:
    def test_begins_after_the_limit(self, widget):
        check_hour_volume(widget, 30_000, at=AT)
        assert not Alarm.objects.exists()

        with pytest.raises(UnusualVolume) as caught:
            check_hour_volume(widget, 30_001, at=AT)

        assert caught.value.retry_after == 3600 - 5

    def test_raises_one_alarm_an_hour_and_client(self, widget):
        for hours in (0, 0, 0, 1):
            with pytest.raises(UnusualVolume):
                check_hour_volume(widget, 30_001, at=AT + timedelta(hours=hours))

        assert list(Alarm.objects.values_list("kind", "about", "window", "body")) == [
            (
                KIND,
                widget.id,
                f"2026-11-25T{hour}",
                {"feature": "inbox-widget", "count": 30_001, "limit": 30_000},
            )
            for hour in (12, 13)
        ]

    def test_costs_one_statement(self, widget, django_assert_num_queries):
        for _ in range(3):
            with django_assert_num_queries(1), pytest.raises(UnusualVolume):
                check_hour_volume(widget, 30_001, at=AT)

        assert Alarm.objects.get().count == 3

    def test_is_one_line_in_the_log(self, widget, caplog):
        for _ in range(3):
            with pytest.raises(UnusualVolume):
                check_hour_volume(widget, 30_001, at=AT)

        (line,) = [record for record in caplog.records if record.msg == "alarm.raised"]
        assert (line.kind, line.about, line.count) == (KIND, str(widget.id), 30_001)

    def test_is_allowed_for_the_rest_of_the_hour_once_the_alarm_is_settled(self, widget):
        with pytest.raises(UnusualVolume):
            check_hour_volume(widget, 30_001, at=AT)
        alarms.settle_alarm(Alarm.objects.get().id, reason="a campaign of theirs", at=AT)

        check_hour_volume(widget, 400_000, at=HOUR + timedelta(minutes=59, seconds=59))

        with pytest.raises(UnusualVolume):
            check_hour_volume(widget, 30_001, at=HOUR + timedelta(hours=1))
        assert Alarm.objects.open().count() == 1

    def test_settled_for_one_client_is_refused_to_another(self, widget):
        with pytest.raises(UnusualVolume):
            check_hour_volume(widget, 30_001, at=AT)
        alarms.settle_alarm(Alarm.objects.get().id, reason="a campaign of theirs", at=AT)
        other = ServiceClient.objects.create(
            client_id="other", feature="other", purposes=[], jwks={}, registered_at=AT
        )

        with pytest.raises(UnusualVolume):
            check_hour_volume(other, 30_001, at=AT)

    @pytest.mark.parametrize(("second", "wait"), [(0, 3600), (3599, 1), (3599.7, 1), (1.2, 3599)])
    def test_says_when_the_hour_ends(self, widget, second, wait):
        with pytest.raises(UnusualVolume) as caught:
            check_hour_volume(widget, 30_001, at=HOUR + timedelta(seconds=second))

        assert caught.value.retry_after == wait

    def test_is_found_with_the_rights_of_a_web_process(self, widget):
        with acting_as("web"), pytest.raises(UnusualVolume):
            check_hour_volume(widget, 30_001, at=AT)

        assert Alarm.objects.open().count() == 1


class TestTheUsualNumber:
    def test_is_the_median_of_the_hours_with_requests(self, widget, time_machine):
        for hours_ago, count in ((1, 10), (30, 700), (100, 90_000)):
            add_hour(widget, hours_ago, count)

        assert compute_usual(widget, time_machine) == 700

    def test_is_of_seven_days(self, widget, time_machine):
        add_hour(widget, 7 * 24 + 1, 90_000)
        add_hour(widget, 7 * 24 - 1, 40)

        assert compute_usual(widget, time_machine) == 40

    def test_leaves_the_running_hour_out(self, widget, time_machine):
        add_hour(widget, 0, 90_000)
        add_hour(widget, 1, 40)

        assert compute_usual(widget, time_machine) == 40

    def test_leaves_an_hour_out_until_its_alarm_is_settled(self, widget, time_machine):
        add_hour(widget, 2, 360_000)
        with pytest.raises(UnusualVolume):
            check_hour_volume(widget, 360_000, at=AT - timedelta(hours=2))
        before = compute_usual(widget, time_machine)

        alarms.settle_alarm(Alarm.objects.get().id, reason="a new product of theirs", at=AT)

        assert (before, compute_usual(widget, time_machine)) == (0, 360_000)

    def test_is_nothing_after_a_week_without_requests(self, widget, time_machine):
        ServiceClient.objects.update(usual_requests_per_hour=90)

        assert compute_usual(widget, time_machine) == 0

    def test_is_each_clients_own(self, widget, time_machine):
        other = ServiceClient.objects.create(
            client_id="other", feature="other", purposes=[], jwks={}, registered_at=AT
        )
        add_hour(widget, 1, 40)
        add_hour(other, 1, 50_000)

        assert compute_usual(widget, time_machine) == 40
        assert compute_usual(other, time_machine) == 50_000

    @given(counts=st.lists(st.integers(1, 10**6), min_size=1, max_size=100))
    @settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_is_not_moved_by_a_few_hours_of_a_thief(self, widget, time_machine, counts):
        """Fewer hours than the client's own never raise the usual number above its own largest."""
        ClientHour.objects.all().delete()
        for hours_ago, count in enumerate(counts, 1):
            add_hour(widget, hours_ago, count)
        for hours_ago in range(len(counts) + 1, 2 * len(counts)):
            if hours_ago < 7 * 24:
                add_hour(widget, hours_ago, 10**9)

        assert compute_usual(widget, time_machine) <= max(counts)


class TestTheSweep:
    def test_deletes_hours_after_eight_days(self, widget, time_machine):
        add_hour(widget, 8 * 24 + 1, 1)
        add_hour(widget, 8 * 24 - 1, 2)
        time_machine.move_to(AT, tick=False)

        with acting_as("purge"):
            forget_expired()

        assert list(ClientHour.objects.values_list("request_count", flat=True)) == [2]


def test_hours_end_with_their_client(widget):
    add_hour(widget, 1, 3)
    person("alice")

    widget.delete()

    assert not ClientHour.objects.exists()
