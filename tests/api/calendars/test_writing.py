"""The API writes an event once, never over a newer change, and explains each refusal."""

from __future__ import annotations

import json
import zoneinfo
from datetime import datetime

import pytest
from django.utils import timezone

from integrations.calendar import refresh_on_read
from integrations.grants import provider_calls
from integrations.models import Connection, PurgeJob
from integrations.providers.google.google_config import GOOGLE
from limited_use.models import Consent
from limited_use.policy.feature_registry import FEATURES
from tests.api import cast
from tests.api.calendars.asking import V1, WEEK, find_event_by_title, list_events, ok
from tests.api.schema import problem
from tests.integrations.calendar_house import meeting, moment
from tests.integrations.pages import reading

pytestmark = [pytest.mark.django_db, pytest.mark.clause("AN-6")]

BERLIN = "Europe/Berlin"


@pytest.fixture(autouse=True)
def allowed(alice, week, monkeypatch):
    monkeypatch.setattr(provider_calls, "request_refresh", lambda _: None)
    scopes = sorted(GOOGLE.list_scopes_for(frozenset({"calendar.read", "calendar.write"})))
    Connection.objects.filter(id=alice.integration.connection_id).update(granted_scopes=scopes)


def make_event_body(alice, **more) -> dict:
    when = {"object": "timespan", "start": moment(5).isoformat(), "end": moment(5, 10).isoformat()}
    return {"calendar_id": str(alice.primary.id), "title": "New", "when": when, **more}


def send_json(client, method, path, body=None, **headers):
    return getattr(client, method)(
        f"{V1}/{path}", json.dumps(body or {}), content_type="application/json", headers=headers
    )


def match(one) -> dict:
    return {"If-Match": f'"{one["etag"]}"'}


def create_event(client, body, key="key-00000001"):
    return send_json(client, "post", "events", body, **{"Idempotency-Key": key})


class TestWithoutAnAgreement:
    @pytest.mark.claim("withdraw.no-copy", "feature.editing", "stored.no-copy")
    def test_nothing_is_written_from_the_withdrawal_on(self, alice, account):
        browser = cast.browser(alice.user, recent=True)
        ok(create_event(browser, make_event_body(alice)), 201)
        address = "/settings/features/calendar-editing/withdraw/"
        page = reading.text(browser.get(address).text)
        assert "Antares stores no copy for Edit events." in page
        assert "After you withdraw, the feature is off until you agree again." in page

        assert browser.post(address).status_code == 302
        before = account.version
        refused = create_event(browser, make_event_body(alice), key="key-00000002")

        assert refused.status_code == 403, refused.content
        assert account.version == before
        assert not PurgeJob.objects.exists()

    @pytest.mark.claim("feature.needs-agreement")
    @pytest.mark.parametrize("feature", ["calendar", "calendar-editing"])
    def test_nothing_is_used_while_its_words_changed(self, alice, account, hers, feature):
        Consent.objects.filter(owner_id=alice.user.id, feature=feature).update(version=0)
        before = account.version

        page = reading.text(hers.get("/settings/access/").text)
        refused = {
            "calendar": lambda: hers.get(f"{V1}/events", WEEK),
            "calendar-editing": lambda: create_event(hers, make_event_body(alice)),
        }

        assert f"can use nothing until you agree to version {FEATURES[feature].version}." in page
        body = problem(refused[feature](), 403, "limited-use-refused")
        assert body["missing"] == ["consent_current"]
        assert account.version == before
        Consent.objects.filter(owner_id=alice.user.id, feature=feature).update(
            version=FEATURES[feature].version
        )
        assert refused[feature]().status_code in {200, 201}


class TestNewEventOverApi:
    @pytest.mark.claim("feature.editing")
    def test_is_answered_as_it_is_read(self, alice, hers):
        body = ok(create_event(hers, make_event_body(alice)), 201)

        assert body["id"] == find_event_by_title(hers, "New")["id"]

    @pytest.mark.scenario("C3")
    def test_without_an_answer_is_looked_for(self, alice, account, hers):
        account.lose_after("create")

        ok(create_event(hers, make_event_body(alice)), 201)

        assert [one["title"] for one in list_events(hers)].count("New") == 1

    def test_without_a_key_is_not_written(self, alice, hers):
        body = problem(
            send_json(hers, "post", "events", make_event_body(alice)), 400, "bad-request"
        )

        assert body["errors"][0]["parameter"] == "Idempotency-Key"

    @pytest.mark.scenario("C4")
    def test_at_a_time_that_no_clock_shows_is_told(self, alice, hers):
        when = {
            "object": "timespan",
            "start": "2027-03-28T02:30:00",
            "end": "2027-03-28T04:00:00",
            "timezone": BERLIN,
        }

        body = problem(create_event(hers, make_event_body(alice, when=when)), 400, "bad-request")

        assert body["errors"][0]["parameter"] == "start"

    @pytest.mark.parametrize(
        ("field", "more"),
        [
            ("description", {"description": "x" * 9_000}),
            ("recurrence", {"recurrence": ["RRULE:FREQ=SECONDLY;COUNT=1000000"]}),
            ("recurrence", {"recurrence": ["RRULE:FREQ=NEVER"]}),
            ("attendees", {"participants": [{"email": "nobody"}]}),
            ("zone", {"when": {"object": "timespan", "start": "2027-01-01T09:00:00",
                               "end": "2027-01-01T10:00:00", "timezone": "Mars/Base"}}),
            ("end", {"when": {"object": "datespan", "start": "2027-01-02", "end": "2027-01-02"}}),
            # Beyond any year of UTC: bad input, and no failure of ours.
            *(("end", {"when": {"object": "timespan", "start": start, "end": end}})
              for start, end in [("0001-01-01T00:00:00+02:00", "0001-01-01T01:00:00+02:00"),
                                 ("9999-12-31T23:00:00-02:00", "9999-12-31T23:30:00-02:00"),
                                 ("2027-01-01T09:00:00Z", "9999-12-31T23:30:00-12:00")]),
            ("require_free", {"require_free": ["me"], "recurrence": ["RRULE:FREQ=DAILY;COUNT=2"]}),
            ("require_free", {"require_free": ["me", "me"]}),
            ("sum", {"sum": 1}),
        ],
    )  # fmt: skip
    def test_that_makes_no_sense_is_told_by_field(self, alice, account, hers, field, more):
        before = account.version

        body = problem(create_event(hers, make_event_body(alice, **more)), 400, "bad-request")

        assert field in {one["parameter"] for one in body["errors"]}
        assert account.version == before

    @pytest.mark.scenario("C2")
    def test_whose_times_say_how_far_from_utc_is_at_that_moment_in_its_own_zone(self, alice, hers):
        there = zoneinfo.ZoneInfo("America/Los_Angeles")
        start, end = (moment(5, hour).astimezone(there) for hour in (20, 21))
        offset = {"object": "timespan", "start": start.isoformat(), "end": end.isoformat(),
                  "timezone": there.key}  # fmt: skip
        local = {**offset, "start": f"{start:%Y-%m-%dT%H:%M}", "end": f"{end:%Y-%m-%dT%H:%M}"}

        one, other = (
            ok(
                create_event(hers, make_event_body(alice, when=when), key=f"key-0000000{number}"),
                201,
            )["when"]
            for number, when in enumerate((offset, local))
        )

        assert one == other
        assert datetime.fromisoformat(one["start"]) == moment(5, 20)
        assert one["start_timezone"] == there.key

    @pytest.mark.claim("feature.editing")
    @pytest.mark.scenario("C1")
    def test_at_a_time_that_has_to_be_free_is_looked_at_anew(
        self, alice, account, hers, monkeypatch
    ):
        monkeypatch.setattr(
            refresh_on_read, "wait_for_refresh", lambda *_, **__: alice.sync(at=timezone.now())
        )
        conflict = account.put(meeting(moment(5), "Conflict"))
        body = make_event_body(alice, require_free=["me"])

        told = problem(create_event(hers, body), 409, "not-free")
        account.remove(conflict)
        ok(create_event(hers, {**body, "title": "Later"}), 201)

        assert "require_free" in told["detail"]

    @pytest.mark.scenario("C8")
    def test_for_people_of_whom_nobody_can_tell_is_not_written(self, alice, hers, monkeypatch):
        monkeypatch.setattr(refresh_on_read, "wait_for_refresh", lambda *_, **__: None)

        problem(create_event(hers, make_event_body(alice, require_free=["me"])), 409, "not-free")

        assert "New" not in [one["title"] for one in list_events(hers)]


class TestMoveOverApi:
    def test_is_to_another_calendar_of_the_account(self, alice, account, hers):
        team = str(alice.calendars.get(is_primary=False).id)
        one = find_event_by_title(hers, "Review")

        place, body = f"events/{one['id']}/move", {"calendar_id": team}
        problem(send_json(hers, "post", place, body), 428, "if-match-needed")
        moved = ok(send_json(hers, "post", place, body, **match(one)))

        assert (moved["title"], moved["calendar_id"]) == ("Review", team)
        assert "Review" in [one.content.title for one in account.events["team"].values()]

    @pytest.mark.parametrize("to", ["", "x", None])
    def test_to_nothing_is_told(self, hers, to):
        one = find_event_by_title(hers, "Review")

        answer = send_json(
            hers, "post", f"events/{one['id']}/move", {"calendar_id": to}, **match(one)
        )
        problem(answer, 400, "bad-request")

    def test_of_one_of_a_series_is_told(self, alice, hers):
        team = str(alice.calendars.get(is_primary=False).id)
        one = find_event_by_title(hers, "Daily")

        answer = send_json(
            hers, "post", f"events/{one['id']}/move", {"calendar_id": team}, **match(one)
        )
        body = problem(answer, 400, "bad-request")

        assert {one["parameter"] for one in body["errors"]} == {"calendar_id"}

    def test_by_somebody_else_or_to_theirs_is_of_nothing(self, alice, hers, his):
        one = find_event_by_title(hers, "Review")
        body = {"calendar_id": str(alice.calendars.get(is_primary=False).id)}

        place = f"events/{one['id']}/move"
        problem(send_json(his, "post", place, body, **match(one)), 404, "not-found")
        nowhere = {"calendar_id": str(alice.integration.id)}
        problem(send_json(hers, "post", place, nowhere, **match(one)), 404, "not-found")


class TestChangeOverApi:
    def test_of_the_version_that_was_read_is_done(self, hers):
        one = find_event_by_title(hers, "Review")

        answer = send_json(hers, "patch", f"events/{one['id']}", {"title": "Retro"}, **match(one))

        body = ok(answer)
        assert body["title"] == "Retro"
        assert answer.headers["ETag"] == f'"{body["etag"]}"'

    @pytest.mark.claim("problem.if-match")
    def test_without_a_version_is_asked_for_one(self, hers, account):
        one, before = find_event_by_title(hers, "Review"), account.version

        problem(
            send_json(hers, "patch", f"events/{one['id']}", {"title": "x"}), 428, "if-match-needed"
        )

        assert account.version == before

    def test_over_another_change_is_told(self, hers):
        one = find_event_by_title(hers, "Review")
        ok(send_json(hers, "patch", f"events/{one['id']}", {"title": "First"}, **match(one)))

        answer = send_json(hers, "patch", f"events/{one['id']}", {"title": "Second"}, **match(one))

        problem(answer, 412, "changed-meanwhile")
        assert find_event_by_title(hers, "First")

    def test_by_somebody_else_is_of_nothing(self, hers, his):
        one = find_event_by_title(hers, "Review")

        answer = send_json(his, "patch", f"events/{one['id']}", {"title": "x"}, **match(one))

        problem(answer, 404, "not-found")


class TestDeletionOverApi:
    def test_of_one_occurrence_leaves_the_others(self, hers):
        before = [one for one in list_events(hers) if one["title"] == "Daily"]
        second = before[1]

        answer = send_json(hers, "delete", f"events/{second['id']}?scope=this", **match(second))

        assert answer.status_code == 204
        left = [one["id"] for one in list_events(hers) if one["title"] == "Daily"]
        assert left == [one["id"] for one in before if one["id"] != second["id"]]

    @pytest.mark.scenario("D6")
    def test_whose_answer_was_lost_and_that_is_done_already_is_done(self, account, hers):
        one = find_event_by_title(hers, "Review")
        account.lose_after("delete")

        assert send_json(hers, "delete", f"events/{one['id']}", **match(one)).status_code == 204
        assert "Review" not in [one["title"] for one in list_events(hers)]

    @pytest.mark.scenario("D6")
    def test_of_what_is_deleted_there_already_is_done(self, week, account, hers):
        one = find_event_by_title(hers, "Review")
        account.remove(week["review"])

        answer = send_json(hers, "delete", f"events/{one['id']}", **match(one))

        assert answer.status_code == 204
        assert "Review" not in [one["title"] for one in list_events(hers)]


class TestInvitationAnswerOverApi:
    def test_to_what_is_no_invitation_is_told(self, hers):
        one = find_event_by_title(hers, "Review")

        place, body = f"events/{one['id']}/response", {"status": "accepted"}
        problem(send_json(hers, "post", place, body), 428, "if-match-needed")
        answer = send_json(hers, "post", place, body, **match(one))

        problem(answer, 409, "not-invited")
