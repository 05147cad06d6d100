"""Looking for a time to meet, over HTTP: hours, buffers, and who has to be there."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.actors import Actor, ActorKind
from accounts.models import RateCount
from integrations.calendar import free_busy_query, local_calendars, refresh_on_read
from integrations.models import Calendar
from limited_use.policy.feature_registry import FEATURES
from limited_use.sinks import calendar_sink as sink
from tests.api import cast, schema
from tests.api.calendars.asking import (
    WEEK,
    availability,
    free_busy,
    post_json,
    scheduler,
    share_calendar,
    withdraw,
)
from tests.integrations.calendar_house import meeting, moment

pytestmark = [pytest.mark.django_db, pytest.mark.invariant(1)]
UNKNOWN = "00000000-0000-7000-8000-000000000001"
EVERY_DAY = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


@pytest.fixture(autouse=True)
def synced(week, monkeypatch):
    """Her week is here, and nobody waits for a worker that no test has."""
    monkeypatch.setattr(refresh_on_read.wait_for_refresh, "__kwdefaults__", {"seconds": 0.0})


def day(number: int) -> dict:
    return {
        "start": moment(number, 0).isoformat(),
        "end": moment(number + 1, 0).isoformat(),
        "timezone": "UTC",
        "limit": 200,
    }


def office(zone: str = "UTC", start: str = "09:00", end: str = "17:00") -> dict:
    return {"timezone": zone, "open": [{"days": EVERY_DAY, "start": start, "end": end}]}


def starts(told) -> list[str]:
    return [one["start"][11:16] for one in told["data"]]


class TestASlot:
    def test_is_in_her_hours_and_in_nobodys_way(self, hers):
        told = availability(hers, "me", **day(3), step_minutes=60, hours=office())

        # A review at nine, lunch at twelve.
        assert starts(told) == ["10:00", "11:00", "13:00", "14:00", "15:00", "16:00"]
        assert told["participants"][0]["status"] == "known"

    def test_leaves_time_before_and_after(self, hers):
        told = availability(
            hers, "me", **day(3), hours=office(), step_minutes=30,
            buffer_before_minutes=30, buffer_after_minutes=15,
        )  # fmt: skip

        assert starts(told)[:2] == ["10:30", "13:30"]

    def test_leaves_time_after_what_ended_as_the_window_begins(self, hers):
        start = moment(3, 10).isoformat()

        told = availability(
            hers, "me", **{**day(3), "start": start}, step_minutes=30, buffer_before_minutes=30
        )

        assert starts(told)[0] == "10:30"

    def test_is_in_the_hours_of_each_on_their_own_clocks(self, alice, bob, his):
        share_calendar(alice, bob)
        # Kathmandu is five hours and three quarters ahead: there it is two in the afternoon.
        told = availability(
            his,
            {"user_id": str(alice.user.id), "hours": office("Asia/Kathmandu", "14:00", "18:00")},
            **day(3),
            step_minutes=15,
        )

        # On the steps of the asker's clock; the review takes nine to ten.
        assert starts(told) == ["10:00", "10:15", "10:30", "10:45", "11:00", "11:15"]

    def test_begins_at_full_steps_of_the_clocks_that_are_asked_for(self, hers):
        told = availability(hers, "me", **{**day(5), "timezone": "Asia/Kathmandu"}, step_minutes=60)

        assert {one[3:] for one in starts(told)} == {"15"}

    def test_that_has_begun_is_not_offered(self, hers):
        now = timezone.now()
        told = availability(hers, "me", **day(1), step_minutes=5)

        assert all(datetime.fromisoformat(one["start"]) >= now for one in told["data"])
        past = {"start": moment(-3, 0).isoformat(), "end": moment(-2, 0).isoformat()}
        assert availability(hers, "me", **past)["data"] == []

    def test_is_one_of_no_more_than_are_wanted(self, hers):
        assert len(availability(hers, "me", limit=3)["data"]) == 3

    @pytest.mark.scenario("C8")
    @given(
        days=st.tuples(st.integers(1, 7), st.integers(1, 7)),
        duration=st.sampled_from([15, 45, 60, 240]),
        around=st.sampled_from([(0, 0), (20, 0), (90, 10), (0, 120)]),
        zone=st.sampled_from(["UTC", "Australia/Lord_Howe", "America/St_Johns", "Europe/Berlin"]),
    )
    @settings(
        suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=12, deadline=None
    )
    def test_never_touches_what_is_taken(self, hers, days, duration, around, zone):
        # More examples than one person may ask in a minute.
        RateCount.objects.all().delete()
        before, after = around
        window = {
            "start": moment(days[0], 0).isoformat(),
            "end": moment(sum(days), 0).isoformat(),
            "timezone": zone,
        }
        told = availability(
            hers, "me", **window, duration_minutes=duration, limit=200,
            buffer_before_minutes=before, buffer_after_minutes=after,
        )  # fmt: skip
        wide = {"start": moment(days[0] - 1, 0).isoformat(), "end": moment(18, 0).isoformat()}
        taken = free_busy(hers, "me", **wide)["data"][0]["time_slots"]

        assert taken
        for slot in told["data"]:
            start, end = (datetime.fromisoformat(slot[name]) for name in ("start", "end"))
            assert end - start == timedelta(minutes=duration)
            first, last = start - timedelta(minutes=before), end + timedelta(minutes=after)
            for one in taken:
                assert not (
                    first < datetime.fromisoformat(one["end"])
                    and datetime.fromisoformat(one["start"]) < last
                )


@pytest.mark.scenario("C8")
class TestSomebodyUnknown:
    @pytest.mark.clause("AN-8")
    def test_leaves_no_slot_and_is_named(self, alice, hers, bob, mallory):
        for one in (bob[0].id, mallory[0].id, UNKNOWN):
            told = availability(hers, "me", one)

            assert told["data"] == []
            assert [(one["user_id"], one["status"]) for one in told["participants"]] == [
                (str(alice.user.id), "known"),
                (str(one), "unknown"),
            ]

    def test_who_need_not_come_takes_no_slot_away(self, hers):
        alone = availability(hers, "me")
        told = availability(hers, "me", {"user_id": UNKNOWN, "required": False})

        assert told["data"] == alone["data"] != []
        assert all(one["optional"] == [] for one in told["data"])

    def test_is_one_whose_copy_is_too_old(self, alice, bob, his):
        share_calendar(alice, bob)
        Calendar.objects.update(cached_at=timezone.now() - timedelta(hours=25))

        assert availability(his, alice.user.id)["data"] == []

    @pytest.mark.invariant(5)
    def test_is_one_who_took_it_back_between_decision_and_opening(
        self, alice, bob, his, monkeypatch
    ):
        given, opening, called = share_calendar(alice, bob), sink.calendar_json, []

        def withdraw_and_open(*args, **kwargs):
            if not called:
                withdraw(alice, given)
            called.append(1)
            return opening(*args, **kwargs)

        assert availability(his, alice.user.id)["data"]
        monkeypatch.setattr(free_busy_query.sink, "calendar_json", withdraw_and_open)

        told = availability(his, alice.user.id)

        assert (told["data"], told["participants"][0]["status"]) == ([], "unknown")


class TestWhoNeedNotCome:
    def test_is_said_where_they_can_and_chosen_for_where_there_are_too_many(
        self, alice, bob, his, account
    ):
        share_calendar(alice, bob)
        other = {"user_id": str(alice.user.id), "required": False}
        account.put(meeting(moment(5, 8), "All day long", hours=12))
        alice.sync(at=timezone.now())
        local_calendars.create_local_calendar(
            actor=actor_of(bob),
            properties=local_calendars.LocalCalendarProperties("Bob's", "UTC"),
            version=FEATURES[local_calendars.FEATURE].version,
            at=timezone.now(),
        )

        told = availability(
            his, "me", other, **{**day(5), "limit": 2}, step_minutes=60,
            hours=office(start="18:00", end="22:00"),
        )  # fmt: skip

        # Two of four: those that she can come to, though they are the later ones.
        assert starts(told) == ["20:00", "21:00"]
        assert {tuple(one["optional"]) for one in told["data"]} == {(str(alice.user.id),)}


def actor_of(somebody):
    user, organisation, membership = somebody
    return Actor(
        kind=ActorKind.PERSON,
        id=user.id,
        user_id=user.id,
        organisation_id=organisation.id,
        membership_id=membership.id,
        membership_epoch=membership.epoch,
    )


class TestAvailabilityForFeature:
    def test_that_she_switched_on_finds_her_own_time(self, alice, hers):
        assert availability(scheduler(alice), "me")["data"] == availability(hers, "me")["data"]

    def test_is_refused_somebody_elses(self, alice, bob):
        body = {
            **WEEK,
            "duration_minutes": 30,
            "participants": [{"user_id": "me"}, {"user_id": str(bob[0].id), "required": False}],
        }
        answer = post_json(scheduler(alice), "availability", body)

        assert schema.problem(answer, 403, "limited-use-refused")["clauses"]


class TestAvailabilitySearch:
    @pytest.mark.parametrize(
        ("change", "where"),
        [
            ({"duration_minutes": 0}, "duration_minutes"),
            ({"duration_minutes": 1441}, "duration_minutes"),
            ({"duration_minutes": "long"}, "duration_minutes"),
            ({"step_minutes": 1}, "step_minutes"),
            ({"buffer_before_minutes": -1}, "buffer_before_minutes"),
            ({"buffer_after_minutes": 1441}, "buffer_after_minutes"),
            ({"limit": 0}, "limit"),
            ({"limit": 201}, "limit"),
            ({"end": moment(64, 0).isoformat()}, "end"),
            ({"start": "9999-12-31T23:59:59-14:00"}, "start"),
            ({"start": "0999-12-31T00:00:00Z"}, "start"),
            ({"end": "9999-12-31T00:00:00Z"}, "end"),
            ({"participants": []}, "participants"),
            ({"participants": [{}]}, "participants/0/user_id"),
            ({"participants": [{"user_id": "me"}, {"user_id": ""}]}, "participants/1/user_id"),
            ({"participants": [{"user_id": "me"}] * 2}, "participants"),
            ({"participants": [{"user_id": UNKNOWN}] * 51}, "participants"),
            ({"participants": [{"user_id": "me", "required": False}]}, "participants"),
            ({"participants": [{"user_id": "me", "email": "a@b.c"}]}, "participants/0/email"),
            ({"hours": office("Mars/Olympus")}, "hours/timezone"),
            ({"hours": office(start="25:00")}, "hours/open/0/start"),
            ({"hours": {"timezone": "UTC", "open": []}}, "hours/open"),
            (
                {"hours": {"timezone": "UTC", "open": [{**office()["open"][0], "days": ["x"]}]}},
                "hours/open/0/days/0",
            ),
            (
                {"participants": [{"user_id": "me", "hours": office("../zone")}]},
                "participants/0/hours/timezone",
            ),
        ],
    )  # fmt: skip
    def test_that_makes_no_sense_is_told_where(self, hers, change, where):
        body = {**WEEK, "duration_minutes": 30, "participants": [{"user_id": "me"}], **change}

        said = schema.problem(post_json(hers, "availability", body), 400, "bad-request")["errors"]

        assert [one["parameter"] for one in said] == [where]
        assert all(one["detail"] for one in said)

    def test_for_more_time_than_there_is_says_so(self, hers):
        body = {
            **WEEK,
            "end": moment(1, 1).isoformat(),
            "duration_minutes": 90,
            "participants": [{"user_id": "me"}],
        }
        said = schema.problem(post_json(hers, "availability", body), 400, "bad-request")

        assert said["errors"][0]["parameter"] == "duration_minutes"

    def test_where_no_calendar_reaches_finds_nothing(self, hers):
        window = {"start": "2500-01-01T00:00:00Z", "end": "2500-01-02T00:00:00Z"}

        assert availability(hers, "me", **window)["data"] == []

    def test_by_somebody_else_is_not_there(self, mallory, alice):
        answer = cast.browser(mallory[0]).post(
            f"/v1/users/{alice.user.id}/availability", "{}", content_type="application/json"
        )

        schema.problem(answer, 404, "not-found")
