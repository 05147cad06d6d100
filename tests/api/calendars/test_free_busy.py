"""Free and busy over HTTP: who is told what of whom, and what nobody is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson
import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations.calendar import busy_times, free_busy_query, refresh_on_read
from integrations.calendar.sync import cache_eviction
from integrations.calendar.sync.cache_eviction import EvictionReason
from integrations.formats.event_content import EventContent, When
from integrations.models import Calendar, Event, SyncWork
from limited_use.agreements import shares
from limited_use.models import Consent, Leaf
from limited_use.models.shares import ShareLevel
from limited_use.sinks import calendar_sink as sink
from tests.api import cast, schema
from tests.api.calendars.asking import (
    V1,
    WEEK,
    free_busy,
    list_events,
    ok,
    post_json,
    scheduler,
    share_calendar,
    withdraw,
)
from tests.integrations.calendar_house import meeting, moment
from tests.integrations.household import person

pytestmark = [pytest.mark.django_db, pytest.mark.invariant(1)]
UNKNOWN = "00000000-0000-7000-8000-000000000001"


@pytest.fixture(autouse=True)
def synced(week, monkeypatch):
    """Her week is here, and nobody waits for a worker that no test has."""
    monkeypatch.setattr(refresh_on_read, "PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(refresh_on_read.wait_for_refresh, "__kwdefaults__", {"seconds": 0.0})


def slots(told) -> list[tuple[str, str, str]]:
    return [(one["start"], one["end"], one["status"]) for one in told["time_slots"]]


def format_moment(day: int, hour: int, minute: int = 0) -> str:
    return format_utc(moment(day, hour) + timedelta(minutes=minute))


def format_utc(at: datetime) -> str:
    """Return the time as answers have it."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def make_unknown_answer(user_id, *, platform_id: str | None = None) -> dict:
    return {
        "person": str(user_id),
        "user_id": str(user_id),
        "platform_id": platform_id,
        "status": "unknown",
        "time_slots": [],
        "calendars": [],
    }


def written_since(before: set) -> list[dict]:
    return [orjson.loads(bytes(one.payload)) for one in Leaf.objects.exclude(id__in=before)]


def list_ledger_entry_ids() -> set:
    return set(Leaf.objects.values_list("id", flat=True))


class TestOnesOwn:
    def test_is_merged_over_all_calendars_that_are_ones_own(self, hers, alice, account):
        account.put(meeting(moment(3, 12), "Overlaps", hours=2))
        alice.sync(at=timezone.now())

        [me] = free_busy(hers, "me")["data"]

        assert me["user_id"] == str(alice.user.id)
        of_day = [one for one in slots(me) if one[0].startswith(format_moment(3, 0)[:10])]
        # The daily at seven, the review at nine; lunch and what overlaps it are one.
        assert of_day == [
            (format_moment(3, 7), format_moment(3, 8), "busy"),
            (format_moment(3, 9), format_moment(3, 10), "busy"),
            (format_moment(3, 12), format_moment(3, 14), "busy"),
        ]

    def test_is_told_by_calendar_as_well(self, hers, alice):
        primary, team = alice.calendars
        body = free_busy(hers, "me", calendars=[str(team.id), UNKNOWN])

        [me] = body["data"]
        told = {one["calendar_id"]: one for one in me["calendars"]}
        assert told.keys() == {str(primary.id), str(team.id)}
        assert slots(told[str(team.id)]) == [(format_moment(3, 12), format_moment(3, 13), "busy")]
        assert body["calendars"] == [
            told[str(team.id)],
            {"calendar_id": UNKNOWN, "status": "unknown", "time_slots": []},
        ]

    def test_says_what_is_not_certain_apart_and_nothing_of_what_is_free(self, hers, alice, account):
        account.put(meeting(moment(5, 9), "Perhaps", is_tentative=True, hours=2))
        account.put(meeting(moment(5, 10), "Surely"))
        account.put(meeting(moment(5, 15), "Birthday", is_busy=False))
        alice.sync(at=timezone.now())

        [me] = free_busy(hers, "me")["data"]

        of_day = [one for one in slots(me) if one[0].startswith(format_moment(5, 0)[:10])]
        assert of_day[1:] == [
            (format_moment(5, 9), format_moment(5, 10), "tentative"),
            (format_moment(5, 10), format_moment(5, 11), "busy"),
        ]

    def test_counts_no_calendar_that_is_only_followed(self, hers, alice):
        Calendar.objects.filter(id=alice.calendars.get(is_primary=False).id).update(role="reader")

        [me] = free_busy(hers, "me")["data"]

        assert (format_moment(3, 12), format_moment(3, 13), "busy") not in slots(me)

    @pytest.mark.scenario("C7")
    def test_shows_and_opens_no_word_of_what_it_is(self, hers, alice):
        before = list_ledger_entry_ids()
        body = post_json(hers, "free-busy", {**WEEK, "people": ["me"]})

        for word in (b"Review", b"Doctor", b"Daily", b"Lunch", b"Room 1", b"gmail.example"):
            assert word not in body.content
        assert {one["class"] for one in written_since(before)} == {"calendar.freebusy"}

    @pytest.mark.invariant(3)
    def test_leaves_one_entry_for_each_account(self, hers):
        before = list_ledger_entry_ids()
        free_busy(hers, "me")

        [entry] = written_since(before)
        assert (entry["event"], entry["class"], entry["count"]) == (
            "use.permitted",
            "calendar.freebusy",
            4,
        )

    @pytest.mark.scenario("C2")
    def test_is_the_same_whatever_offset_the_question_is_written_with(self, hers):
        told = free_busy(hers, "me")
        west = [
            moment(day, 0).astimezone(timezone.get_fixed_timezone(-7 * 60)).isoformat()
            for day in (1, 9)
        ]

        assert free_busy(hers, "me", start=west[0], end=west[1])["data"] == told["data"]

    @pytest.mark.scenario("C4")
    def test_has_days_that_begin_on_the_clocks_that_are_asked_for(self, hers, alice, account):
        day = moment(6, 0).date()
        account.put(
            EventContent(title="Away", start=When(day=day), end=When(day=day + timedelta(days=1)))
        )
        alice.sync(at=timezone.now())

        [me] = free_busy(hers, "me", timezone="Asia/Kathmandu")["data"]

        # Five hours and three quarters ahead of UTC.
        start = moment(6, 0) - timedelta(hours=5, minutes=45)
        end = start + timedelta(days=1)
        assert (format_utc(start), format_utc(end), "busy") in slots(me)


class TestSomebodyElses:
    def test_is_told_to_whom_it_is_shared_with_at_either_level(self, alice, bob, his, hers):
        mine = slots(free_busy(hers, "me", calendars=[str(alice.primary.id)])["calendars"][0])

        for level in (ShareLevel.FREEBUSY, ShareLevel.DETAILS):
            share_calendar(alice, bob, level)
            [her] = free_busy(his, alice.user.id)["data"]

            # What is private is busy, as everything is.
            assert slots(her) == mine
            assert [one["calendar_id"] for one in her["calendars"]] == [str(alice.primary.id)]

    @pytest.mark.control("3.1.4")
    @pytest.mark.clause("AN-8")
    def test_is_unknown_byte_by_byte_whoever_it_is(self, alice, bob, his, mallory, week):
        """A colleague who shares nothing, a stranger, and nobody: one answer, one way to it."""
        answers, counts = set(), set()
        for one in (alice.user.id, mallory[0].id, UNKNOWN):
            before = Leaf.objects.count()
            answer = post_json(his, "free-busy", {**WEEK, "people": [str(one)]})
            body = ok(answer)
            assert body["data"] == [make_unknown_answer(one)]
            known = answer.content.replace(str(one).encode(), b"?")
            answers.add(known.replace(body["request_id"].encode(), b"!"))
            counts.add(Leaf.objects.count() - before)

        assert len(answers) == 1
        assert counts == {0}

    @pytest.mark.control("3.1.4")
    def test_takes_the_same_questions_to_the_database_whoever_it_is(self, alice, his, mallory):
        counts = []
        free_busy(his, UNKNOWN)
        for one in (alice.user.id, mallory[0].id, UNKNOWN):
            with CaptureQueriesContext(connection) as asked:
                free_busy(his, one)
            counts.append(len(asked))
            assert not [q for q in asked.captured_queries if str(one) in q["sql"]]

        assert len(set(counts)) == 1

    def test_calendar_that_is_not_shared_is_unknown_as_one_that_is_none(self, alice, his):
        body = free_busy(his, calendars=[str(alice.primary.id), UNKNOWN])

        assert [(one["status"], one["time_slots"]) for one in body["calendars"]] == [
            ("unknown", [])
        ] * 2

    def test_is_told_beside_ones_own_and_in_the_order_of_the_question(self, alice, bob, his):
        share_calendar(alice, bob)
        people = [UNKNOWN, str(alice.user.id), "me"]

        told = free_busy(his, *people)["data"]

        assert [one["user_id"] for one in told] == [UNKNOWN, str(alice.user.id), str(bob[0].id)]
        # Bob has no calendar: nobody can tell, and it is not said that he is free.
        assert [one["status"] for one in told] == ["unknown", "known", "unknown"]

    @pytest.mark.invariant(5)
    def test_is_unknown_from_the_moment_that_it_is_taken_back(self, alice, bob, his):
        given = share_calendar(alice, bob)
        assert free_busy(his, alice.user.id)["data"][0]["status"] == "known"

        withdraw(alice, given)

        assert free_busy(his, alice.user.id)["data"] == [make_unknown_answer(alice.user.id)]

    @pytest.mark.invariant(5)
    def test_taken_back_between_decision_and_opening_is_unknown(self, alice, bob, his, monkeypatch):
        given = share_calendar(alice, bob)
        opening = sink.calendar_json
        called = []

        def withdraw_and_open(*args, **kwargs):
            if not called:
                withdraw(alice, given)
            called.append(len(args[0]))
            return opening(*args, **kwargs)

        monkeypatch.setattr(free_busy_query.sink, "calendar_json", withdraw_and_open)

        # Who she is was looked up while she shared.
        assert free_busy(his, alice.user.id)["data"] == [
            make_unknown_answer(alice.user.id, platform_id=alice.user.platform_id)
        ]
        # It was decided, and its rows were at hand: the first opening came to nothing.
        assert called[0] > 0
        assert called[1:] == [0]

    @pytest.mark.invariant(5)
    def test_taken_back_while_a_copy_is_waited_for_is_unknown(self, alice, bob, his, monkeypatch):
        given = share_calendar(alice, bob)
        Calendar.objects.update(cached_at=timezone.now() - timedelta(days=2))

        def withdraw_while_waiting(asked, **_):
            Calendar.objects.update(cached_at=timezone.now())
            withdraw(alice, given)

        monkeypatch.setattr(
            free_busy_query.refresh_on_read, "wait_for_refresh", withdraw_while_waiting
        )

        # Who she is was looked up while she shared.
        assert free_busy(his, alice.user.id)["data"] == [
            make_unknown_answer(alice.user.id, platform_id=alice.user.platform_id)
        ]

    @pytest.mark.invariant(8)
    def test_that_is_refused_takes_nothing_from_others(self, alice, bob, his):
        carol = person("carol", alice.organisation, at=timezone.now())
        share_calendar(alice, bob)
        # Alice no longer agrees to what sharing is; her share stands, and shows nothing.
        Consent.objects.filter(feature="calendar-sharing").update(version=99)
        before = list_ledger_entry_ids()

        told = free_busy(his, alice.user.id, carol[0].id)["data"]

        assert [one["status"] for one in told] == ["unknown", "unknown"]
        [entry] = written_since(before)
        assert (entry["event"], entry["missing"]) == ("use.refused", ["consent_current"])

    def test_ends_with_all_that_somebody_shares(self, alice, bob, his):
        share_calendar(alice, bob)
        with transaction.atomic():
            shares.end_owner_shares(
                person_id=alice.user.id,
                organisation_id=alice.organisation.id,
                at=timezone.now(),
            )

        assert free_busy(his, alice.user.id)["data"][0]["status"] == "unknown"


@pytest.mark.scenario("C8")
class TestWhatNobodyCanTell:
    @pytest.mark.scenario("C1")
    def test_of_a_copy_that_is_too_old_is_asked_for_and_unknown_until_it_is_here(self, hers, alice):
        Calendar.objects.update(cached_at=timezone.now() - timedelta(hours=25))
        SyncWork.objects.update(next_sync_at=timezone.now() + timedelta(hours=5))

        [me] = free_busy(hers, "me")["data"]

        assert (me["status"], me["time_slots"]) == ("unknown", [])
        assert {one["status"] for one in me["calendars"]} == {"unknown"}
        due = SyncWork.objects.filter(next_sync_at__lte=timezone.now())
        assert due.count() == 2

    def test_of_one_calendar_makes_its_owner_unknown(self, hers, alice):
        team = alice.calendars.get(is_primary=False)
        with transaction.atomic():
            held = list(alice.calendars.filter(id=team.id).select_for_update(of=("self",)))
            cache_eviction.evict_copies(held, reason=EvictionReason.OWNER, at=timezone.now())

        [me] = free_busy(hers, "me")["data"]

        assert (me["status"], me["time_slots"]) == ("unknown", [])
        told = {one["calendar_id"]: one["status"] for one in me["calendars"]}
        assert told == {str(alice.primary.id): "known", str(team.id): "unknown"}

    @pytest.mark.parametrize(
        ("start", "end"), [(-35, -33), (200, 203)], ids=["swept", "not brought in"]
    )
    def test_lies_where_the_copy_does_not_reach(self, hers, start, end):
        [me] = free_busy(
            hers, "me", start=moment(start, 0).isoformat(), end=moment(end, 0).isoformat()
        )["data"]

        assert me["status"] == "unknown"

    def test_is_among_events_that_could_not_be_read(self, hers, alice):
        Calendar.objects.filter(id=alice.primary.id).update(unreadable_count=1)

        assert free_busy(hers, "me")["data"][0]["status"] == "unknown"

    @pytest.mark.invariant(8)
    def test_is_in_a_row_whose_bytes_were_changed(self, hers, alice):
        row = Event.objects.filter(calendar=alice.primary).first()
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE integrations_event SET timing = timing || '\\x00' WHERE id = %s", [row.id]
            )

        [me] = free_busy(hers, "me")["data"]

        told = {one["calendar_id"]: one["status"] for one in me["calendars"]}
        assert told[str(alice.primary.id)] == "unknown"
        assert told[str(alice.calendars.get(is_primary=False).id)] == "known"

    def test_is_too_much_to_open(self, hers, alice, monkeypatch):
        monkeypatch.setattr(free_busy_query, "MAX_ROWS_OF_CALENDAR", 2)

        [me] = free_busy(hers, "me")["data"]

        told = {one["calendar_id"]: one["status"] for one in me["calendars"]}
        assert told == {
            str(alice.primary.id): "unknown",
            str(alice.calendars.get(is_primary=False).id): "known",
        }

    def test_is_a_series_that_takes_too_long_to_follow(self, hers, alice, account, monkeypatch):
        monkeypatch.setattr(busy_times, "_MAX_STEPS_PER_CALENDAR", 3)

        assert free_busy(hers, "me")["data"][0]["status"] == "unknown"


class TestFreeBusyForFeature:
    def test_that_she_switched_on_is_told_when_she_has_time(self, alice, hers):
        told = free_busy(scheduler(alice), "me")["data"]

        assert told == free_busy(hers, "me")["data"]

    @pytest.mark.clause("LU-2.1")
    def test_is_refused_what_is_shared_between_people_whoever_it_names(self, alice, bob, mallory):
        assistant = scheduler(alice)
        answers = set()
        for one in (bob[0].id, mallory[0].id, UNKNOWN):
            before = list_ledger_entry_ids()
            answer = post_json(assistant, "free-busy", {**WEEK, "people": ["me", str(one)]})
            said = schema.problem(answer, 403, "limited-use-refused")
            assert said["clauses"]
            [entry] = written_since(before)
            assert (entry["event"], entry["purpose"]) == ("use.refused", "calendar.share")
            answers.add((said["rule"], said["detail"], tuple(said["clauses"])))

        assert len(answers) == 1

    def test_is_refused_for_another_purpose(self, alice):
        client = cast.widget()
        widget = cast.feature(client, cast.switch_on(alice, client))

        answer = post_json(widget, "free-busy", {**WEEK, "people": ["me"]})

        assert schema.problem(answer, 403, "limited-use-refused")["clauses"]


class TestAQuestion:
    @pytest.mark.parametrize(
        ("change", "where"),
        [
            ({"end": moment(1, 0).isoformat()}, "end"),
            ({"end": moment(0, 0).isoformat()}, "end"),
            ({"end": moment(64, 0).isoformat()}, "end"),
            ({"start": "2026-05-04T09:00:00"}, "start"),
            ({"start": "tomorrow"}, "start"),
            ({"start": None}, "start"),
            ({"start": "0001-01-01T00:00:00+14:00"}, "start"),
            ({"timezone": "Mars/Olympus"}, "timezone"),
            ({"timezone": "../../etc/passwd"}, "timezone"),
            ({"timezone": 7}, "timezone"),
            ({"people": []}, "people"),
            ({"people": "me"}, "people"),
            ({"people": [""]}, "people/0"),
            ({"people": ["p" * 65]}, "people/0"),
            ({"people": ["a\x00b"]}, "people/0"),
            ({"people": [7]}, "people/0"),
            ({"people": ["nobody", "nobody"]}, "people"),
            ({"people": ["me", ["me"]]}, "people/1"),
            ({"people": ["me", "me"]}, "people"),
            ({"people": ["me"] * 51}, "people"),
            ({"calendars": ["x"]}, "calendars/0"),
            ({"calendars": [UNKNOWN] * 2}, "calendars"),
            ({"calendars": [UNKNOWN] * 51}, "calendars"),
            ({"emails": ["bob@antares.example"]}, "emails"),
        ],
    )
    def test_that_makes_no_sense_is_told_where(self, hers, change, where):
        answer = post_json(hers, "free-busy", {**WEEK, "people": ["me"], **change})

        said = schema.problem(answer, 400, "bad-request")["errors"]
        assert [one["parameter"] for one in said] == [where]
        assert all(one["detail"] for one in said)

    @pytest.mark.parametrize("body", [[], "x", 1, None, {}])
    def test_that_is_none_is_refused(self, hers, body):
        schema.problem(post_json(hers, "free-busy", body), 400, "bad-request")

    @pytest.mark.parametrize("text", ["", "{", '{"start": NaN}', "[" * 5000])
    def test_that_is_no_json_is_refused(self, hers, text):
        answer = hers.post(f"{V1}/free-busy", text, content_type="application/json")

        schema.problem(answer, 400, "bad-request")

    def test_takes_no_parameters_in_its_address(self, hers):
        answer = hers.post(f"{V1}/free-busy?people=me", "{}", content_type="application/json")

        schema.problem(answer, 400, "bad-request")

    @pytest.mark.control("4.1.1")
    def test_needs_the_token_of_our_forms_from_a_browser(self, alice):
        strict = cast.browser(alice.user, strict=True)

        schema.problem(
            post_json(strict, "free-busy", {**WEEK, "people": ["me"]}), 403, "not-permitted"
        )

    def test_of_somebody_elses_is_not_there(self, his, alice):
        answer = his.post(
            f"/v1/users/{alice.user.id}/free-busy", "{}", content_type="application/json"
        )

        schema.problem(answer, 404, "not-found")

    def test_says_what_the_list_of_events_says(self, hers):
        """What is listed as busy is busy, and nothing else is."""
        listed = [one["when"] for one in list_events(hers) if one["busy"]]
        [me] = free_busy(hers, "me")["data"]

        assert len(listed) == 10
        for when in listed:
            assert any(s <= when["start"] and when["end"] <= e for s, e, _ in slots(me))
