"""Calendars and events over HTTP: what is shown, to whom, page by page."""

from __future__ import annotations

import orjson
import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrations.calendar.sync import cache_eviction
from integrations.calendar.sync.cache_eviction import EvictionReason
from limited_use.models import Leaf
from limited_use.models.shares import ShareLevel
from tests.api import cast, schema
from tests.api.calendars.asking import (
    V1,
    WEEK,
    availability,
    find_event_by_title,
    free_busy,
    list_events,
    ok,
    scheduler,
    share_calendar,
    withdraw,
)
from tests.database_rows import (
    TABLES_OF_A_FEATURE_READ,
    TABLES_OF_A_RECORD,
    dump_tables,
    list_changed_tables,
)
from tests.integrations.calendar_house import meeting, moment

pytestmark = [pytest.mark.django_db, pytest.mark.invariant(1)]
UNKNOWN = "00000000-0000-7000-8000-000000000001"


@pytest.fixture(autouse=True)
def synced(week):
    """All of it is about a week that is here."""


class TestCalendarListApi:
    def test_are_listed_by_name_with_how_their_copies_stand(self, hers, alice):
        primary, team = ok(hers.get(f"{V1}/calendars"))["data"]

        assert (primary["name"], primary["is_primary"]) == ("alice@gmail.example", True)
        assert (team["name"], team["read_only"], team["level"]) == ("team", False, "owner")
        assert primary["copy"]["state"] == "current"
        assert primary["connection_id"] == str(alice.connection.id)

    def test_are_read_one_by_one(self, hers):
        listed = ok(hers.get(f"{V1}/calendars"))["data"]

        assert listed
        for one in listed:
            assert ok(hers.get(f"{V1}/calendars/{one['id']}")) == one

    def test_that_are_shared_say_by_whom_and_how(self, alice, bob, his):
        share_calendar(alice, bob, ShareLevel.FREEBUSY)

        [one] = ok(his.get(f"{V1}/calendars"))["data"]

        assert (one["shared_by"], one["level"]) == (str(alice.user.id), "freebusy")
        assert (one["name"], one["read_only"], one["connection_id"]) == (None, True, None)

    def test_of_others_and_of_nobody_are_alike(self, alice, his, mallory):
        for client in (his, cast.browser(mallory[0])):
            for one in (alice.primary.id, UNKNOWN):
                schema.problem(client.get(f"{V1}/calendars/{one}"), 404, "not-found")


class TestEvents:
    def test_are_listed_by_start_over_all_calendars(self, hers):
        body = ok(hers.get(f"{V1}/events", WEEK))
        starts = [one["when"]["start"] for one in body["data"]]

        assert starts == sorted(starts)
        titles = [one["title"] for one in body["data"]]
        assert (titles.count("Daily"), titles.count("Review"), titles.count("Lunch")) == (7, 1, 1)
        assert (body["next_cursor"], body["has_more"], body["unreadable"]) == (None, False, [])
        assert all(one["complete"] for one in body["calendars"])

    def test_are_narrowed_to_calendars(self, hers, alice):
        team = alice.calendars.get(is_primary=False)

        assert [one["title"] for one in list_events(hers, calendar_id=str(team.id))] == ["Lunch"]
        assert len(list_events(hers, calendar_id=f"{team.id},{alice.primary.id}")) == len(
            list_events(hers)
        )

    def test_of_a_calendar_of_somebody_elses_are_not_there(self, his, alice):
        for one in (alice.primary.id, UNKNOWN):
            answer = his.get(f"{V1}/events", {**WEEK, "calendar_id": str(one)})
            schema.problem(answer, 404, "not-found")

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"end": moment(1, 0).isoformat()}, "bad-window"),
            ({"end": moment(0, 0).isoformat()}, "bad-window"),
            ({"end": moment(102, 0).isoformat()}, "window-too-long"),
            ({"timezone": "Mars/Olympus"}, "unknown-timezone"),
            ({"timezone": "../../etc/passwd"}, "unknown-timezone"),
            ({"calendar_id": "1,2"}, "bad-request"),
            ({"calendar_id": ","}, "bad-request"),
            ({"start": "tomorrow"}, "bad-request"),
            ({"q": "secret"}, "bad-request"),
            ({"limit": "201"}, "bad-request"),
        ],
    )
    def test_of_no_such_window_say_why(self, hers, change, code):
        schema.problem(hers.get(f"{V1}/events", {**WEEK, **change}), 400, code)

    def test_of_a_window_need_both_its_ends(self, hers):
        body = schema.problem(hers.get(f"{V1}/events"), 400, "bad-request")

        assert {one["parameter"] for one in body["errors"]} == {"start", "end"}

    def test_are_shown_to_the_feature_that_she_switched_on(self, alice):
        assert len(list_events(scheduler(alice))) == 10

    @pytest.mark.claim("feature.scheduler", "stored.no-copy")
    def test_are_kept_by_no_feature_that_reads_them(self, alice):
        assistant = scheduler(alice)
        before = dump_tables()

        listed = ok(assistant.get(f"{V1}/calendars"))["data"]
        assert ok(assistant.get(f"{V1}/calendars/{listed[0]['id']}"))
        assert free_busy(assistant, "me")["data"]
        assert availability(assistant, "me")["data"]
        for one in list_events(assistant):
            ok(assistant.get(f"{V1}/events/{one['id']}"))

        assert list_changed_tables(before) <= TABLES_OF_A_FEATURE_READ

    @pytest.mark.claim("feature.sharing", "stored.no-copy")
    def test_are_not_copied_for_the_colleague_who_reads_them(self, alice, bob, his):
        share_calendar(alice, bob)
        before = dump_tables()

        assert "Review" in [event["title"] for event in list_events(his)]

        assert list_changed_tables(before) <= TABLES_OF_A_RECORD

    @pytest.mark.claim("feature.campaigns", "feature.campaigns-nothing")
    @pytest.mark.parametrize("path", ["calendars", "events"])
    def test_are_refused_to_campaigns(self, alice, path):
        client = cast.campaigns()
        campaigns = cast.feature(client, cast.switch_on(alice, client), "marketing")

        body = schema.problem(campaigns.get(f"{V1}/{path}", WEEK), 403, "limited-use-refused")

        assert body["rule"] == "never-market"

    def test_are_refused_to_a_feature_for_another_purpose(self, alice):
        client = cast.widget()
        widget = cast.feature(client, cast.switch_on(alice, client))

        schema.problem(widget.get(f"{V1}/events", WEEK), 403, "limited-use-refused")

    def test_of_a_deleted_copy_are_gone_at_once(self, hers, alice):
        review = find_event_by_title(hers, "Review")
        with transaction.atomic():
            held = list(alice.calendars.select_for_update(of=("self",)))
            cache_eviction.evict_copies(held, reason=EvictionReason.OWNER, at=timezone.now())

        body = ok(hers.get(f"{V1}/events", WEEK))

        assert body["data"] == []
        assert {one["state"] for one in body["calendars"]} == {"deleted"}
        schema.problem(hers.get(f"{V1}/events/{review['id']}"), 404, "not-found")

    @pytest.mark.invariant(3)
    def test_leave_one_entry_for_each_account_and_kind_of_data(self, hers):
        before = set(Leaf.objects.values_list("id", flat=True))
        list_events(hers)

        written = [orjson.loads(bytes(one.payload)) for one in Leaf.objects.exclude(id__in=before)]
        # Two calendars, each with a key of its own: what is opened of both is counted together.
        assert {one["class"]: one["count"] for one in written} == {
            "calendar.freebusy": 4,
            "calendar.event": 4,
        }
        assert len(written) == 2


class TestOneEvent:
    def test_is_read_as_it_is_listed_but_for_its_rule(self, hers):
        found = list_events(hers)

        assert found
        for listed in found:
            answer = hers.get(f"{V1}/events/{listed['id']}")

            assert ok(answer) == listed
            assert answer.headers["ETag"] == f'"{listed["etag"]}"'

    def test_of_a_series_is_read_with_its_rule(self, hers):
        daily = find_event_by_title(hers, "Daily")

        body = ok(hers.get(f"{V1}/events/{daily['master_event_id']}"))

        assert body["recurrence"] == ["RRULE:FREQ=DAILY;COUNT=10"]
        assert body["id"] == daily["master_event_id"]

    @pytest.mark.parametrize("original", ["20200101T000000Z", "20200101", "99999999", "00000000"])
    def test_that_its_series_never_makes_is_not_there(self, hers, original):
        master = find_event_by_title(hers, "Daily")["master_event_id"]

        schema.problem(hers.get(f"{V1}/events/{master}_{original}"), 404, "not-found")

    @pytest.mark.parametrize("name", ["x", "..", "1", f"{UNKNOWN}_", f"{UNKNOWN}_x", UNKNOWN])
    def test_that_is_none_is_not_there(self, hers, name):
        schema.problem(hers.get(f"{V1}/events/{name}"), 404, "not-found")

    def test_of_others_is_not_there(self, hers, his, mallory):
        review = find_event_by_title(hers, "Review")

        for client in (his, cast.browser(mallory[0])):
            schema.problem(client.get(f"{V1}/events/{review['id']}"), 404, "not-found")

    def test_that_is_private_shows_as_busy_to_whom_it_is_shared_with(self, alice, bob, hers, his):
        share_calendar(alice, bob)
        doctor = find_event_by_title(hers, "Doctor")

        body = ok(his.get(f"{V1}/events/{doctor['id']}"))

        assert (body["title"], body["busy"], body["etag"]) == (None, True, None)
        assert body["participants"] is None

    @pytest.mark.control("5.2.1")
    def test_with_markup_in_it_is_made_safe(self, hers, alice, account):
        account.put(
            meeting(
                moment(5),
                cast.SUBJECT,
                description=cast.HTML,
                location=cast.NAME,
            )
        )
        alice.sync(at=timezone.now())
        [shown] = [one for one in list_events(hers) if one["title"] == cast.SUBJECT]

        answer = hers.get(f"{V1}/events/{shown['id']}")
        description = ok(answer)["description"].encode()

        assert cast.MARKER.encode() in description
        assert not [one for one in cast.MARKUP if one in description]
        assert answer.headers["Content-Type"] == "application/json"

    @pytest.mark.scenario("D4")
    @pytest.mark.scenario("C6")
    def test_that_was_cancelled_or_changed_is_so(self, hers, alice, account, week):
        from integrations.providers.calendars import CancelledInstance, RemoteEvent, When

        first, second = (moment(day, 7) for day in (2, 3))
        master = account.events[account.email][week["daily"]]
        account.cancel_instance(
            account.email,
            CancelledInstance("one", week["daily"], When(at=first, zone="Europe/Berlin")),
        )
        account.write(
            account.email,
            RemoteEvent(
                event_id="two",
                etag="",
                ical_uid=master.ical_uid,
                sequence=0,
                content=meeting(moment(3, 18), "Late"),
                series_id=week["daily"],
                original_start=When(at=second, zone="Europe/Berlin"),
            ),
        )
        listed = list_events(hers)
        gone = next(one for one in listed if one["title"] == "Daily")
        alice.sync(at=timezone.now())

        late = find_event_by_title(hers, "Late")

        assert (late["is_changed"], late["master_event_id"]) == (True, gone["master_event_id"])
        assert ok(hers.get(f"{V1}/events/{late['id']}")) == late
        schema.problem(hers.get(f"{V1}/events/{gone['id']}"), 404, "not-found")
        assert gone["id"] not in {one["id"] for one in list_events(hers)}


def read_event_pages(client, limit: int, **more) -> list[list[dict]]:
    found, cursor = [], None
    while True:
        query = {**WEEK, **more, "limit": limit} | ({"cursor": cursor} if cursor else {})
        body = ok(client.get(f"{V1}/events", query))
        found.append(body["data"])
        cursor = body["next_cursor"]
        assert body["has_more"] is (cursor is not None)
        if cursor is None:
            return found


class TestAWindow:
    @pytest.mark.scenario("C2")
    @given(minutes=st.integers(-14 * 60, 14 * 60))
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=8)
    def test_is_the_same_moments_whatever_offset_it_is_written_with(self, hers, minutes):
        elsewhere = timezone.get_fixed_timezone(minutes)
        window = {
            "start": moment(1, 0).astimezone(elsewhere).isoformat(),
            "end": moment(9, 0).astimezone(elsewhere).isoformat(),
        }

        assert list_events(hers, **window) == list_events(hers)

    @pytest.mark.scenario("C2")
    def test_is_told_in_utc_and_each_event_in_the_zone_that_it_counts_in(self, hers):
        window = {"start": moment(1, 0).astimezone(timezone.get_fixed_timezone(-420)).isoformat()}

        review = find_event_by_title(hers, "Review", **window)

        assert review["when"]["start"] == f"{moment(3):%Y-%m-%dT%H:%M:%SZ}"
        assert review["when"]["start_timezone"] == "Europe/Berlin"


class TestPaging:
    @given(limit=st.integers(1, 12))
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=6)
    def test_loses_and_repeats_nothing_whatever_the_limit(self, hers, limit):
        found = read_event_pages(hers, limit)

        assert all(len(one) == limit for one in found[:-1])
        assert [one for page in found for one in page] == list_events(hers)

    def test_breaks_ties_by_id(self, hers, alice, account):
        for number in range(4):
            account.put(meeting(moment(6, 11), f"Same {number}"))
        alice.sync(at=timezone.now())

        ids = [one["id"] for page in read_event_pages(hers, 1) for one in page]

        assert len(ids) == len(set(ids)) == 14

    def test_is_for_its_own_question(self, hers, alice):
        cursor = ok(hers.get(f"{V1}/events", {**WEEK, "limit": 1}))["next_cursor"]
        others = [
            {"timezone": "UTC"},
            {"end": moment(10, 0).isoformat()},
            {"calendar_id": str(alice.primary.id)},
            {"cursor": cursor[:-2] + "AA"},
        ]

        for one in others:
            answer = hers.get(f"{V1}/events", {**WEEK, "cursor": cursor, **one})
            schema.problem(answer, 400, "invalid-cursor")

    def test_is_for_whoever_asked(self, hers, his, alice):
        cursor = ok(hers.get(f"{V1}/events", {**WEEK, "limit": 1}))["next_cursor"]

        for client in (his, scheduler(alice)):
            answer = client.get(f"{V1}/events", {**WEEK, "cursor": cursor})
            schema.problem(answer, 400, "invalid-cursor")

    @pytest.mark.invariant(5)
    @pytest.mark.clause("AN-8")
    def test_ends_with_the_share_that_it_read_under(self, alice, bob, his):
        given = share_calendar(alice, bob)
        cursor = ok(his.get(f"{V1}/events", {**WEEK, "limit": 1}))["next_cursor"]
        withdraw(alice, given)

        answer = his.get(f"{V1}/events", {**WEEK, "cursor": cursor})

        schema.problem(answer, 400, "invalid-cursor")
        assert list_events(his) == []

    @pytest.mark.invariant(5)
    def test_of_a_calendar_by_name_ends_with_its_share(self, alice, bob, his):
        given = share_calendar(alice, bob)
        query = {**WEEK, "limit": 1, "calendar_id": str(alice.primary.id)}
        cursor = ok(his.get(f"{V1}/events", query))["next_cursor"]
        withdraw(alice, given)

        schema.problem(his.get(f"{V1}/events", {**query, "cursor": cursor}), 404, "not-found")
