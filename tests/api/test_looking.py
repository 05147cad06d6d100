"""A mailbox that nobody looks at is checked rarely; whoever looks has it checked at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from accounts.display_times import format_day
from accounts.models import Delegation
from integrations.models import (
    Integration,
    IntegrationStatus,
    StatusReason,
    SyncStage,
    SyncWork,
)
from integrations.sync import last_looks, work_leases
from tests.api import cast
from tests.integrations import household as houses

pytestmark = pytest.mark.django_db
V1 = "/v1/users/me"
HOUR = timedelta(hours=1)
MESSAGES, THREADS = f"{V1}/messages", f"{V1}/threads"


def leave_unlooked_at(house, long: timedelta, **values):
    """Have nobody look at the mailbox for so long, and a turn that ended well until then."""
    SyncWork.objects.filter(integration=house.integration).update(
        looked_at=timezone.now() - long, last_synced_at=timezone.now() - 9 * HOUR, **values
    )
    house.run()


def get_rest_after_turn(house) -> timedelta:
    """Return how long the work rests after a turn, to the second."""
    work = house.work
    return timedelta(seconds=round((work.next_sync_at - work.last_synced_at).total_seconds()))


def is_due(house) -> bool:
    return house.work.id in work_leases.get_due_ids(at=timezone.now())


@pytest.fixture(autouse=True)
def _no_look_is_remembered():
    """The rows of a module's tests are the same ones, each time as they were at first."""
    last_looks._last_written.clear()


@pytest.fixture
def left(alice):
    """Alice, who has not looked at her mail for ten hours; it was checked two minutes ago."""
    leave_unlooked_at(alice, 10 * HOUR)
    SyncWork.objects.update(last_synced_at=timezone.now() - timedelta(minutes=2))
    return alice


@pytest.fixture
def watch(alice):
    """The provider tells of news, and was heard a minute ago."""
    return houses.open_watch(alice, at=timezone.now() - timedelta(minutes=1))


class TestAMailboxThatNobodyLooksAt:
    @pytest.mark.parametrize(
        ("hours", "minutes"), [(0.5, 1), (0.99, 1), (2, 6), (5, 15), (10, 30), (20, 60), (900, 60)]
    )
    def test_is_checked_ever_more_rarely_and_hourly_at_least(self, alice, hours, minutes):
        leave_unlooked_at(alice, hours * HOUR)

        assert get_rest_after_turn(alice) == timedelta(minutes=minutes)

    def test_counts_from_when_it_was_switched_on(self, alice):
        alice.integration.switched_on_at = timezone.now() - 5 * HOUR
        alice.integration.save(update_fields=["switched_on_at"])

        alice.run()

        assert (alice.work.looked_at, get_rest_after_turn(alice)) == (None, timedelta(minutes=15))

    def test_is_not_checked_more_rarely_than_the_settings_say(self, alice, settings):
        settings.SYNC_LONGEST_INTERVAL_SECONDS = 300

        leave_unlooked_at(alice, 40 * HOUR)

        assert get_rest_after_turn(alice) == timedelta(minutes=5)

    @pytest.mark.parametrize("long", [HOUR, 900 * HOUR])
    def test_is_checked_as_ever_where_the_provider_tells(self, alice, watch, settings, long):
        settings.PUSH = replace(settings.PUSH, pubsub_topic="projects/x/topics/y")

        leave_unlooked_at(alice, long)

        assert get_rest_after_turn(alice) == timedelta(seconds=settings.PUSH_POLL_SECONDS)

    @pytest.mark.claim("settings.checked-rarely")
    def test_says_so_in_its_details(self, left, hers):
        since = left.work.looked_at

        said = hers.get(reverse("settings-details", args=[left.integration.id])).text

        assert "Antares checks Google every 30 minutes. Checks are rare because nobody has" in said
        assert f"since {format_day(since)}. After you open your inbox," in said
        assert not is_due(left)

    def test_says_so_in_the_api(self, left, hers):
        [one] = hers.get(f"{V1}/connections").json()["data"]
        sync = one["integrations"][0]["sync"]

        assert (sync["check_interval_seconds"], sync["check_interval_reason"]) == (
            1800,
            "not_looked_at",
        )

    @pytest.mark.parametrize(
        "values",
        [
            {"failing_since": timedelta(), "failure_count": 1},
            {"pause_reason": StatusReason.RATE_LIMITED},
            {"stage": SyncStage.SNAPSHOT},
            {"next_sync_at": timedelta(minutes=-3), "heartbeat_at": timedelta(minutes=-3)},
            {"resource": "calendars"},
            {"integration": IntegrationStatus.REAUTH_REQUIRED},
        ],
        ids=lambda values: next(iter(values)),
    )
    def test_has_no_interval_in_the_api_while_checks_are_not_regular(self, left, hers, values):
        at = timezone.now()
        if status := values.get("integration"):
            Integration.objects.filter(id=left.integration.id).update(status=status)
        else:
            SyncWork.objects.update(
                **{
                    name: at + value if isinstance(value, timedelta) else value
                    for name, value in values.items()
                }
            )

        [one] = hers.get(f"{V1}/connections").json()["data"]

        sync = one["integrations"][0]["sync"]
        assert (sync["check_interval_seconds"], sync["check_interval_reason"]) == (None, None)

    def test_is_not_said_to_be_behind(self, left, hers):
        SyncWork.objects.update(last_synced_at=timezone.now() - timedelta(minutes=29))

        said = hers.get(reverse("settings-integrations")).text

        assert "Not up to date" not in said


LOOKS = {
    "inbox": lambda hers, _: hers.get("/inbox/"),
    "messages": lambda hers, _: hers.get(MESSAGES),
    "threads": lambda hers, _: hers.get(THREADS),
    "search": lambda hers, _: hers.post(reverse("inbox-search"), {"words": "x"}),
    "feature": lambda _, widget: widget.get(MESSAGES),
}


class TestALook:
    @pytest.mark.claim("settings.checked-rarely")
    @pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
    def test_has_the_mailbox_checked_at_once_and_as_often_as_ever(self, left, hers, widget, look):
        assert not is_due(left)

        answer = look(hers, widget)

        assert answer.status_code == 200
        assert is_due(left)
        assert timezone.now() - left.work.looked_at < timedelta(minutes=1)
        left.run()
        assert get_rest_after_turn(left) == timedelta(minutes=1)

    def test_by_sync_now_counts_as_well(self, left, hers):
        hers.post(reverse("settings-sync-now", args=[left.integration.id]))

        assert is_due(left)
        left.run()
        assert get_rest_after_turn(left) == timedelta(minutes=1)

    def test_is_said_in_details_and_api(self, left, hers):
        hers.get("/inbox/")

        said = hers.get(reverse("settings-details", args=[left.integration.id])).text
        [one] = hers.get(f"{V1}/connections").json()["data"]

        assert "Antares checks Google every minute." in said
        assert "Checks are rare" not in said
        assert one["integrations"][0]["sync"]["check_interval_reason"] == "usual"

    def test_is_one_statement_in_some_minutes(self, left, hers):
        written = []

        def record_look_statement(execute, text, values, many, context):
            if "SET looked_at" in text:
                written.append(text)
            return execute(text, values, many, context)

        with connection.execute_wrapper(record_look_statement):
            for path in (MESSAGES, THREADS, "/inbox/", MESSAGES):
                hers.get(path)

        assert len(written) == 1

    def test_hurries_no_mailbox_whose_provider_tells(self, left, hers, watch):
        hers.get(MESSAGES)

        assert left.work.looked_at > timezone.now() - timedelta(minutes=1)
        assert not is_due(left)

    @pytest.mark.parametrize(
        "values", [{"failure_count": 1}, {"pause_reason": "rate_limited"}], ids=str
    )
    def test_hurries_none_that_backs_off(self, left, hers, values):
        SyncWork.objects.update(**values)

        hers.get(MESSAGES)

        assert not is_due(left)

    def test_hurries_none_that_was_checked_a_moment_ago(self, left, hers):
        SyncWork.objects.update(last_synced_at=timezone.now())

        hers.get(MESSAGES)

        assert not is_due(left)
        assert get_rest_after_turn(left) == timedelta(minutes=1)

    def test_that_falls_into_a_check_has_the_mailbox_checked_again(self, left, hers):
        at = timezone.now()
        SyncWork.objects.update(next_sync_at=at)
        lease, _, _ = work_leases.claim(work_id=left.work.id, at=at, duration=HOUR)

        hers.get(MESSAGES)
        # The turn had read when somebody looked before that.
        is_due_again = work_leases.release(lease, next_sync_at=at + HOUR / 2, values={})

        assert is_due_again
        assert is_due(left)

    def test_that_falls_into_a_frequent_check_leaves_it_at_that(self, left, hers):
        at = timezone.now()
        SyncWork.objects.update(next_sync_at=at, looked_at=at - HOUR / 2)
        lease, _, _ = work_leases.claim(work_id=left.work.id, at=at, duration=HOUR)

        hers.get(MESSAGES)

        assert not work_leases.release(lease, next_sync_at=at + timedelta(minutes=1), values={})
        assert left.work.looked_at > at

    def test_that_another_process_wrote_is_one_statement_as_well(self, left, hers):
        hers.get(MESSAGES)
        last_looks._last_written.clear()
        written = []

        def record_look_statement(execute, text, values, many, context):
            if "SET looked_at" in text:
                written.append(text)
            return execute(text, values, many, context)

        with connection.execute_wrapper(record_look_statement):
            for path in (MESSAGES, THREADS, MESSAGES):
                hers.get(path)

        assert len(written) == 1

    def test_that_is_refused_is_none(self, left, widget):
        before = left.work.looked_at
        Delegation.objects.update(switched_off_at=timezone.now())

        assert widget.get(MESSAGES).status_code in {401, 403, 404}

        assert (left.work.looked_at, is_due(left)) == (before, False)

    def test_of_somebody_else_is_none(self, left, bob):
        before = left.work.looked_at

        assert cast.browser(bob.user).get(MESSAGES).status_code == 200

        assert (left.work.looked_at, is_due(left)) == (before, False)
