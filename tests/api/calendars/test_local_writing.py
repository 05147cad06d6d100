"""Events of a calendar that lives here, written by hand through the API as any other's."""

from __future__ import annotations

import pytest
from django.utils import timezone

from integrations.models import Event
from limited_use.policy.features import FEATURES
from tests.api import cast
from tests.api.calendars.asking import events, ok
from tests.api.calendars.test_writing import match, problem, send
from tests.integrations.calendar_house import moment
from tests.integrations.household import person

pytestmark = [pytest.mark.django_db, pytest.mark.clause("AN-9")]

BERLIN = "Europe/Berlin"


@pytest.fixture
def hers(keyring, db):
    return cast.browser(person("alice", at=timezone.now())[0])


@pytest.fixture
def home(hers):
    return begun(hers, "Family")


def begun(hers, name: str) -> str:
    body = {"name": name, "timezone": BERLIN, "version": FEATURES["local-calendar"].version}
    key = {"Idempotency-Key": f"calendar-{name}"}
    return ok(send(hers, "post", "calendars", body, **key), 201)["id"]


def create(hers, home, key="key-00000001", **more):
    when = {"object": "timespan", "start": moment(2).isoformat(), "end": moment(2, 10).isoformat()}
    body = {"calendar_id": home, "title": "Tea", "when": when, **more}
    return send(hers, "post", "events", body, **{"Idempotency-Key": key})


def changed(hers, one, **edit):
    return send(hers, "patch", f"events/{one['id']}", edit, **match(one))


@pytest.mark.scenario("C3")
def test_an_event_is_made_once_changed_over_nobodys_change_and_deleted_once(hers, home):
    first, again = (ok(create(hers, home), 201) for _ in range(2))
    assert first["id"] == again["id"]
    assert [one["title"] for one in events(hers)] == ["Tea"]

    now = ok(changed(hers, first, title="Cake"))
    problem(changed(hers, first, title="Pie"), 412, "changed-meanwhile")
    problem(send(hers, "patch", f"events/{first['id']}", {"title": "x"}), 428, "if-match-needed")

    assert send(hers, "delete", f"events/{first['id']}", **match(now)).status_code == 204
    assert not Event.objects.exists()


@pytest.mark.scenario("C6")
def test_a_series_is_changed_and_ended_from_one_on(hers, home):
    ok(create(hers, home, recurrence=["RRULE:FREQ=DAILY;COUNT=6"]), 201)

    ok(changed(hers, events(hers)[2], title="Cake", scope="following"))
    last = events(hers)[4]
    gone = send(hers, "delete", f"events/{last['id']}?scope=following", **match(last))

    assert gone.status_code == 204
    assert [one["title"] for one in events(hers)] == ["Tea", "Tea", "Cake", "Cake"]


def test_what_is_kept_here_invites_nobody_and_has_no_invitation_to_answer(hers, home):
    body = problem(create(hers, home, participants=[{"email": "a@b.example"}]), 400, "bad-request")
    assert {one["parameter"] for one in body["errors"]} == {"attendees"}

    made = ok(create(hers, home), 201)
    place, body = f"events/{made['id']}/response", {"status": "accepted"}
    answer = send(hers, "post", place, body, **match(made))

    problem(answer, 409, "not-invited")


def test_somebody_else_writes_nothing_in_it(hers, home):
    made = ok(create(hers, home), 201)
    mallory = cast.browser(person("mallory", at=timezone.now())[0])

    problem(create(mallory, home), 404, "not-found")
    problem(changed(mallory, made, title="Mine"), 404, "not-found")
    assert [one["title"] for one in events(hers)] == ["Tea"]


def test_an_event_moves_to_another_calendar_that_is_kept_here(hers, home):
    club = begun(hers, "Club")
    made = ok(create(hers, home), 201)

    place, body = f"events/{made['id']}/move", {"calendar_id": club}
    problem(send(hers, "post", place, body), 428, "if-match-needed")
    ok(changed(hers, made, title="Cake"))
    problem(send(hers, "post", place, body, **match(made)), 412, "changed-meanwhile")
    [now] = events(hers)
    moved = ok(send(hers, "post", place, body, **match(now)))

    assert moved["calendar_id"] == club
    assert [one["calendar_id"] for one in events(hers)] == [club]
    again = send(hers, "post", f"events/{moved['id']}/move", body, **match(moved))
    told = problem(again, 400, "bad-request")
    assert {one["parameter"] for one in told["errors"]} == {"calendar_id"}
