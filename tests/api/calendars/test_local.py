"""Calendars that live here, by the API: for their owner, and for nobody else."""

from __future__ import annotations

import pytest
from django.utils import timezone

from integrations.formats.icalendar import calendar_file_reader
from integrations.models import Calendar, Event
from limited_use.policy.feature_registry import FEATURES
from tests.api import cast
from tests.integrations.formats.icalendar.files import BERLIN, calendar, event
from tests.integrations.household import person
from tests.integrations.sync.conftest import keyring
from tests.walls import requests_act_as_web

__all__ = ["keyring", "requests_act_as_web"]

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.clause("AN-9"),
    pytest.mark.usefixtures("requests_act_as_web", "keyring"),
]
LIST = "/v1/users/me/calendars"
NEW = {"name": "Family", "timezone": BERLIN, "version": FEATURES["local-calendar"].version}
TEA = event("DTSTART:20260603T090000", "DURATION:PT1H", "SUMMARY:Tea", uid="tea@x")


@pytest.fixture
def browser(keyring):
    return cast.browser(person("alice", at=timezone.now())[0])


def post_new_calendar(browser, key="key-00000001", **more):
    headers = {"Idempotency-Key": key}
    return browser.post(LIST, {**NEW, **more}, content_type="application/json", headers=headers)


@pytest.fixture
def home(browser):
    answer = post_new_calendar(browser)
    assert answer.status_code == 201, answer.content
    return f"{LIST}/{answer.json()['id']}"


def put_calendar_properties(browser, home, about, seen):
    headers = {"If-Match": seen} if seen else {}
    return browser.put(home, about, content_type="application/json", headers=headers)


def import_file(browser, home, data):
    return browser.post(f"{home}/import", data, content_type="text/calendar")


class TestLocalCalendarApi:
    def test_is_made_and_told(self, browser, home):
        told = browser.get(home).json()

        assert (told["name"], told["timezone"], told["is_local"]) == ("Family", BERLIN, True)

    @pytest.mark.parametrize(
        ("wrong", "status", "code"),
        [
            ({"name": ""}, 400, "bad-request"),
            ({"colour": "red"}, 400, "bad-request"),
            ({"timezone": "Europe/Atlantis"}, 400, "unknown-timezone"),
            ({"version": 99}, 409, "not-agreed"),
        ],
    )
    def test_that_cannot_be_says_why(self, browser, wrong, status, code):
        answer = post_new_calendar(browser, **wrong)

        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert Calendar.objects.count() == 0

    def test_is_called_otherwise(self, browser, home):
        about = {"name": "Club", "timezone": "UTC", "colour": "#112233"}

        seen = browser.get(home)["ETag"]
        answer = put_calendar_properties(browser, home, about, seen)

        assert answer.status_code == 200
        assert (answer.json()["name"], answer.json()["colour"]) == ("Club", "#112233")
        assert answer["ETag"] == browser.get(home)["ETag"] != seen

    def test_is_not_called_otherwise_or_removed_over_another_name(self, browser, home):
        about, seen = {"name": "Club", "timezone": "UTC"}, browser.get(home)["ETag"]
        put_calendar_properties(browser, home, about, seen)

        late = put_calendar_properties(browser, home, {**about, "name": "Pub"}, seen)
        gone = browser.delete(home, headers={"If-Match": seen})

        for answer in (late, gone):
            assert (answer.status_code, answer.json()["code"]) == (412, "changed-meanwhile")
        for answer in (put_calendar_properties(browser, home, about, ""), browser.delete(home)):
            assert (answer.status_code, answer.json()["code"]) == (428, "if-match-needed")
        assert browser.get(home).json()["name"] == "Club"

    @pytest.mark.scenario("C3")
    def test_is_made_once_under_one_key(self, browser, home):
        again = post_new_calendar(browser)
        other = post_new_calendar(browser, name="Club")
        second = post_new_calendar(browser, key="key-00000002")

        assert (again.status_code, again["Idempotent-Replayed"]) == (201, "true")
        assert home == f"{LIST}/{again.json()['id']}"
        assert (other.status_code, other.json()["code"]) == (422, "key-reused")
        assert second.status_code == 201
        assert Calendar.objects.count() == 2

    @pytest.mark.scenario("C3")
    def test_that_is_removed_does_not_come_back(self, browser, home):
        browser.delete(home, headers={"If-Match": browser.get(home)["ETag"]})

        answer = post_new_calendar(browser)

        assert (answer.status_code, answer.json()["code"]) == (410, "gone")
        assert (
            post_new_calendar(browser, key="").json()["errors"][0]["parameter"] == "Idempotency-Key"
        )
        assert not Calendar.objects.exists()

    def test_is_removed(self, browser, home):
        import_file(browser, home, calendar(TEA))

        seen = browser.get(home)["ETag"]
        assert browser.delete(home, headers={"If-Match": seen}).status_code == 204
        assert browser.get(home).status_code == 404
        assert Event.objects.count() == 0

    @pytest.mark.control("3.1.4")
    def test_is_nobody_elses(self, home):
        mallory = cast.browser(person("mallory", at=timezone.now())[0])

        about = {"name": "Club", "timezone": "UTC"}
        seen = Calendar.objects.get().version
        assert put_calendar_properties(mallory, home, about, f'"{seen}"').status_code == 404
        assert mallory.delete(home, headers={"If-Match": f'"{seen}"'}).status_code == 404
        assert import_file(mallory, home, calendar(TEA)).status_code == 404
        assert mallory.get(f"{home}/export").status_code == 404


class TestCalendarFileUpload:
    @pytest.mark.scenario("C3")
    def test_is_taken_in_and_again(self, browser, home):
        first = import_file(browser, home, calendar(TEA)).json()
        again = import_file(browser, home, calendar(TEA)).json()

        assert first == {"added": 1, "replaced": 0, "removed": 0, "left_out": []}
        assert (again["added"], again["replaced"]) == (0, 1)

    @pytest.mark.claim("import.unreadable")
    def test_that_is_broken_names_its_lines_and_takes_nothing(self, browser, home):
        answer = import_file(browser, home, calendar(TEA.replace("20260603T090000", "soon")))

        told = answer.json()
        assert (answer.status_code, told["code"]) == (422, "unreadable-file")
        assert told["errors"][0]["line"] == 5
        assert Event.objects.count() == 0

    def test_comes_out_as_it_went_in(self, browser, home):
        import_file(browser, home, calendar(TEA))

        answer = browser.get(f"{home}/export")

        (entry,) = calendar_file_reader.read_calendar_file(
            b"".join(answer.streaming_content), zone="UTC"
        ).entries
        assert entry.event.content.title == "Tea"
        assert answer["Content-Disposition"].startswith("attachment")
        assert "no-store" in answer["Cache-Control"]


class TestWhatIsConnected:
    @pytest.mark.usefixtures("home")
    def test_lists_it_without_an_address(self, browser):
        answer = browser.get("/v1/users/me/connections")

        assert answer.status_code == 200, answer.content
        [one] = answer.json()["data"]
        assert (one["provider"], one["email"]) == ("offline", None)
        assert browser.get(f"/v1/users/me/connections/{one['id']}").status_code == 200
