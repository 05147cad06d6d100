"""Events written through the API: once, over nobody's change, in words where it cannot be."""

from __future__ import annotations

import json

import pytest

from integrations import calling
from integrations.models import Connection
from integrations.providers.google.spec import GOOGLE
from tests.integrations.calendar_house import moment

from .asking import V1, events, named, ok

pytestmark = [pytest.mark.django_db, pytest.mark.clause("AN-6")]

BERLIN = "Europe/Berlin"


@pytest.fixture(autouse=True)
def allowed(alice, week, monkeypatch):
    monkeypatch.setattr(calling.grants, "ask_refresh", lambda _: None)
    scopes = sorted(GOOGLE.scopes_for(frozenset({"calendar.read", "calendar.write"})))
    Connection.objects.filter(id=alice.integration.connection_id).update(granted_scopes=scopes)


def new(alice, **more) -> dict:
    when = {"object": "timespan", "start": moment(5).isoformat(), "end": moment(5, 10).isoformat()}
    return {"calendar_id": str(alice.primary.id), "title": "New", "when": when, **more}


def send(client, method, path, body=None, **headers):
    return getattr(client, method)(
        f"{V1}/{path}", json.dumps(body or {}), content_type="application/json", headers=headers
    )


def create(client, body, key="key-00000001"):
    return send(client, "post", "events", body, **{"Idempotency-Key": key})


def problem(answer, status, code):
    assert answer.status_code == status, answer.content
    body = answer.json()
    assert body["code"] == code
    return body


class TestANewEvent:
    def test_is_answered_as_it_is_read(self, alice, hers):
        body = ok(create(hers, new(alice)), 201)

        assert body["id"] == named(hers, "New")["id"]

    @pytest.mark.scenario("C3")
    def test_without_an_answer_is_looked_for(self, alice, account, hers):
        account.lose_after("create")

        ok(create(hers, new(alice)), 201)

        assert [one["title"] for one in events(hers)].count("New") == 1

    def test_without_a_key_is_not_written(self, alice, hers):
        body = problem(send(hers, "post", "events", new(alice)), 400, "bad-request")

        assert body["errors"][0]["parameter"] == "Idempotency-Key"

    @pytest.mark.scenario("C4")
    def test_at_a_time_that_no_clock_shows_is_told(self, alice, hers):
        when = {
            "object": "timespan",
            "start": "2027-03-28T02:30:00",
            "end": "2027-03-28T04:00:00",
            "timezone": BERLIN,
        }

        body = problem(create(hers, new(alice, when=when)), 400, "bad-request")

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
            ("sum", {"sum": 1}),
        ],
    )  # fmt: skip
    def test_that_makes_no_sense_is_told_by_field(self, alice, account, hers, field, more):
        before = account.version

        body = problem(create(hers, new(alice, **more)), 400, "bad-request")

        assert field in {one["parameter"] for one in body["errors"]}
        assert account.version == before


class TestAChange:
    def test_of_the_version_that_was_read_is_done(self, hers):
        one = named(hers, "Review")

        answer = send(hers, "patch", f"events/{one['id']}", {"title": "Retro"},
                      **{"If-Match": f'"{one["etag"]}"'})  # fmt: skip

        body = ok(answer)
        assert body["title"] == "Retro"
        assert answer.headers["ETag"] == f'"{body["etag"]}"'

    def test_without_a_version_is_asked_for_one(self, hers):
        one = named(hers, "Review")

        problem(send(hers, "patch", f"events/{one['id']}", {"title": "x"}), 428, "if-match-needed")

    def test_over_another_change_is_told(self, hers):
        one = named(hers, "Review")
        match = {"If-Match": f'"{one["etag"]}"'}
        ok(send(hers, "patch", f"events/{one['id']}", {"title": "First"}, **match))

        answer = send(hers, "patch", f"events/{one['id']}", {"title": "Second"}, **match)

        problem(answer, 412, "changed-meanwhile")
        assert named(hers, "First")

    def test_by_somebody_else_is_of_nothing(self, hers, his):
        one = named(hers, "Review")

        answer = send(his, "patch", f"events/{one['id']}", {"title": "x"},
                      **{"If-Match": f'"{one["etag"]}"'})  # fmt: skip

        problem(answer, 404, "not-found")


class TestADeletion:
    def test_of_one_occurrence_leaves_the_others(self, hers):
        before = [one for one in events(hers) if one["title"] == "Daily"]
        second = before[1]

        answer = send(hers, "delete", f"events/{second['id']}?scope=this",
                      **{"If-Match": f'"{second["etag"]}"'})  # fmt: skip

        assert answer.status_code == 204
        left = [one["id"] for one in events(hers) if one["title"] == "Daily"]
        assert left == [one["id"] for one in before if one["id"] != second["id"]]


class TestAnAnswer:
    def test_to_what_is_no_invitation_is_told(self, hers):
        one = named(hers, "Review")

        answer = send(hers, "post", f"events/{one['id']}/response", {"status": "accepted"})

        problem(answer, 409, "not-invited")
