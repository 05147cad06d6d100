"""Files that were written to cost a lot, taken into a calendar as their owner would do it."""

from __future__ import annotations

import pytest
from django.utils import timezone

from integrations.models import Event
from integrations.parsers import parse_requests
from integrations.parsers.parser_pool import get_parser_pool
from integrations.parsers.parser_task_limits import ParserTaskBudget
from tests.api import cast
from tests.api.calendars.test_local import LIST, import_file, post_new_calendar
from tests.integrations.formats.icalendar.files import calendar, event
from tests.integrations.formats.icalendar.hostile_files import GOOD, HOSTILE, zones
from tests.integrations.household import person
from tests.integrations.sync.conftest import keyring
from tests.lent_parsers import lend_all
from tests.walls import requests_act_as_web

__all__ = ["keyring", "requests_act_as_web"]

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.clause("AN-9"),
    pytest.mark.scenario("F3"),
    pytest.mark.usefixtures("requests_act_as_web", "keyring"),
]


@pytest.fixture
def browser(keyring):
    return cast.browser(person("alice", at=timezone.now())[0])


@pytest.fixture
def home(browser):
    home = f"{LIST}/{post_new_calendar(browser).json()['id']}"
    assert import_file(browser, home, calendar(GOOD)).json()["added"] == 1
    return home


class TestAHostileFile:
    @pytest.mark.parametrize("name", HOSTILE)
    def test_is_refused_in_words_and_nothing_of_it_is_taken(self, browser, home, name):
        data, words = HOSTILE[name]

        answer = import_file(browser, home, data)

        told = answer.json()
        assert (answer.status_code, told["code"]) == (422, "unreadable-file")
        assert words in str(told["errors"])
        assert Event.objects.count() == 1

    def test_of_zones_with_impossible_rules_is_read_where_it_is_short(self, browser, home):
        # Twenty zones of fifty parts: 145 KB, and 6.3 seconds before zones had a budget.
        assert import_file(browser, home, zones(20)).json()["added"] == 20

    def test_that_exceeds_its_process_is_refused_and_the_next_is_read(
        self, browser, home, monkeypatch
    ):
        guests = [f"ATTENDEE:mailto:{number}@b.example" for number in range(499)]
        file = calendar(
            *(event("DTSTART:20260101", *guests, uid=str(number)) for number in range(500))
        )
        # A process that has answered is known to run.
        before = import_file(browser, home, calendar(event("DTSTART:20260102"))).json()["added"]
        narrow = ParserTaskBudget(cpu_seconds=30, memory_bytes=0, wall_seconds=60, reply_bytes=1024)
        with monkeypatch.context() as patch:
            patch.setattr(get_parser_pool(), "_budget_for", lambda _: narrow)
            answer = import_file(browser, home, file)

        assert answer.status_code == 422
        assert "too large or too complicated" in str(answer.json()["errors"])
        assert Event.objects.count() == 1 + before
        assert (
            import_file(browser, home, calendar(event("DTSTART:20260103", uid="z"))).json()["added"]
            == 1
        )


class TestBusyParsers:
    def test_answer_that_it_may_be_sent_again(self, browser, home, monkeypatch):
        monkeypatch.setattr(parse_requests, "WAIT_SECONDS", 0.01)
        with lend_all():
            answer = import_file(browser, home, calendar(event("DTSTART:20260102")))

        assert (answer.status_code, answer.json()["code"]) == (503, "busy")
        assert answer["Retry-After"]
        assert Event.objects.count() == 1
        assert import_file(browser, home, calendar(event("DTSTART:20260102"))).json()["added"] == 1
