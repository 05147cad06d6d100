"""Events of a calendar that lives here, written by hand through the API as any other's."""

from __future__ import annotations

import pytest
from django.utils import timezone

from integrations.models import Event
from limited_use.policy.feature_registry import FEATURES
from tests.api import cast
from tests.api.calendars.asking import list_events, ok
from tests.api.calendars.test_writing import match, problem, send_json
from tests.integrations.calendar_house import moment
from tests.integrations.household import person

pytestmark = [pytest.mark.django_db, pytest.mark.clause("AN-9")]

BERLIN = "Europe/Berlin"


@pytest.fixture
def hers(keyring, db):
    return cast.browser(person("alice", at=timezone.now())[0])


@pytest.fixture
def home(hers):
    return create_calendar_named(hers, "Family")


def create_calendar_named(hers, name: str) -> str:
    body = {"name": name, "timezone": BERLIN, "version": FEATURES["local-calendar"].version}
    key = {"Idempotency-Key": f"calendar-{name}"}
    return ok(send_json(hers, "post", "calendars", body, **key), 201)["id"]


def create_event_at_home(hers, home, key="key-00000001", **more):
    when = {"object": "timespan", "start": moment(2).isoformat(), "end": moment(2, 10).isoformat()}
    body = {"calendar_id": home, "title": "Tea", "when": when, **more}
    return send_json(hers, "post", "events", body, **{"Idempotency-Key": key})


def patch_event(hers, one, **edit):
    return send_json(hers, "patch", f"events/{one['id']}", edit, **match(one))


@pytest.mark.scenario("C3")
def test_an_event_is_made_once_changed_over_nobodys_change_and_deleted_once(hers, home):
    first, again = (ok(create_event_at_home(hers, home), 201) for _ in range(2))
    assert first["id"] == again["id"]
    assert [one["title"] for one in list_events(hers)] == ["Tea"]

    now = ok(patch_event(hers, first, title="Cake"))
    problem(patch_event(hers, first, title="Pie"), 412, "changed-meanwhile")
    problem(
        send_json(hers, "patch", f"events/{first['id']}", {"title": "x"}), 428, "if-match-needed"
    )

    assert send_json(hers, "delete", f"events/{first['id']}", **match(now)).status_code == 204
    assert not Event.objects.exists()


@pytest.mark.scenario("C6")
def test_a_series_is_changed_and_ended_from_one_on(hers, home):
    ok(create_event_at_home(hers, home, recurrence=["RRULE:FREQ=DAILY;COUNT=6"]), 201)

    ok(patch_event(hers, list_events(hers)[2], title="Cake", scope="following"))
    last = list_events(hers)[4]
    gone = send_json(hers, "delete", f"events/{last['id']}?scope=following", **match(last))

    assert gone.status_code == 204
    assert [one["title"] for one in list_events(hers)] == ["Tea", "Tea", "Cake", "Cake"]


def test_what_is_kept_here_invites_nobody_and_has_no_invitation_to_answer(hers, home):
    body = problem(
        create_event_at_home(hers, home, participants=[{"email": "a@b.example"}]),
        400,
        "bad-request",
    )
    assert {one["parameter"] for one in body["errors"]} == {"attendees"}

    made = ok(create_event_at_home(hers, home), 201)
    place, body = f"events/{made['id']}/response", {"status": "accepted"}
    answer = send_json(hers, "post", place, body, **match(made))

    problem(answer, 409, "not-invited")


def test_somebody_else_writes_nothing_in_it(hers, home):
    made = ok(create_event_at_home(hers, home), 201)
    mallory = cast.browser(person("mallory", at=timezone.now())[0])

    problem(create_event_at_home(mallory, home), 404, "not-found")
    problem(patch_event(mallory, made, title="Mine"), 404, "not-found")
    assert [one["title"] for one in list_events(hers)] == ["Tea"]


def test_an_event_moves_to_another_calendar_that_is_kept_here(hers, home):
    club = create_calendar_named(hers, "Club")
    made = ok(create_event_at_home(hers, home), 201)

    place, body = f"events/{made['id']}/move", {"calendar_id": club}
    problem(send_json(hers, "post", place, body), 428, "if-match-needed")
    ok(patch_event(hers, made, title="Cake"))
    problem(send_json(hers, "post", place, body, **match(made)), 412, "changed-meanwhile")
    [now] = list_events(hers)
    moved = ok(send_json(hers, "post", place, body, **match(now)))

    assert moved["calendar_id"] == club
    assert [one["calendar_id"] for one in list_events(hers)] == [club]
    again = send_json(hers, "post", f"events/{moved['id']}/move", body, **match(moved))
    told = problem(again, 400, "bad-request")
    assert {one["parameter"] for one in told["errors"]} == {"calendar_id"}
