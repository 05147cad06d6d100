"""Descriptions of events: made safe once, when an event is written, and shown from the row."""

from __future__ import annotations

import orjson
import pytest
from django.utils import timezone

from integrations.formats.mime import safe_bodies
from integrations.models import Event
from integrations.parsers import parse_requests
from integrations.parsers.parser_pool import get_parser_pool
from integrations.parsers.parser_task_limits import ParserTaskBudget
from limited_use.vault import sealing
from tests.api.calendars.asking import V1, list_events, ok, share_calendar
from tests.api.calendars.test_local import import_file, post_new_calendar
from tests.integrations.calendar_house import meeting, moment
from tests.integrations.formats.icalendar.files import calendar, event
from tests.lent_parsers import lend_all

pytestmark = [pytest.mark.django_db, pytest.mark.control("5.2.1")]
MARKUP = '<b>Bring</b> <a href="https://a.example">this</a><script>alert(1)</script>'
#: 39 KB, of which a parser makes 140 MB.
BOMB = "<p>" + "<font>" * 900 + "<p>x" * 6_000


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(parse_requests, "WAIT_SECONDS", 0.05)


def put_events_described(alice, account, *texts: str) -> None:
    for number, text in enumerate(texts):
        account.put(meeting(moment(2 + number), f"Event {number}", description=text))
    alice.sync(at=timezone.now())


def content_of(alice) -> dict:
    (one,) = alice.opened(at=timezone.now())
    return one["content"]


def count_tasks() -> int:
    return sum(process.task_count for process in get_parser_pool()._idle)


def make_older(alice) -> None:
    """Leave her rows as an older version would have: safe by other rules."""
    for row, opened in zip(
        alice.events.order_by("id"), alice.opened(at=timezone.now()), strict=True
    ):
        sealer = sealing.get_sealer(holder=row.cache_id, epoch=alice.integration.epoch)
        record = {**opened["content"], "shown": ["<i>old rules</i>", False]}
        sealed = sealer.seal_value(Event, "content", row=row.id, data=orjson.dumps(record))
        Event.objects.filter(id=row.id).update(content=sealed, shown_version=0)


def get_description_page(browser, **given) -> str:
    (one,) = list_events(browser)
    return browser.get(f"/calendar/events/{one['id']}/description/", **given).text


class TestASync:
    def test_stores_the_description_safe_beside_the_original(self, alice, account):
        put_events_described(alice, account, MARKUP)

        found = content_of(alice)
        html, is_plain = found["shown"]
        assert found["description"] == MARKUP
        assert ("<b>Bring</b>" in html, "script" in html, is_plain) == (True, False, False)
        assert alice.events.get().shown_version == safe_bodies.VERSION

    def test_asks_a_process_once_for_a_page_of_events(self, alice, account):
        put_events_described(alice, account, "text")
        before = count_tasks()

        put_events_described(alice, account, *(f"<b>{number}</b>" for number in range(100)))

        assert alice.events.filter(shown_version=safe_bodies.VERSION).count() == 101
        # One page, told to one calendar; the other calendar has no events.
        assert count_tasks() - before == 1

    def test_brings_an_event_though_no_process_is_free_and_a_view_makes_it_safe(
        self, alice, account, hers
    ):
        with lend_all():
            put_events_described(alice, account, MARKUP)

        assert alice.events.get().shown_version == 0
        assert "shown" not in content_of(alice)
        assert "<b>Bring</b>" in get_description_page(hers)
        assert alice.events.get().shown_version == safe_bodies.VERSION

    def test_of_markup_that_is_too_costly_keeps_its_words_and_the_neighbours(
        self, alice, account, hers
    ):
        put_events_described(alice, account, BOMB, MARKUP)

        bomb, neighbour = list_events(hers)
        assert len(bomb["description"]) < 100_000
        assert "<font" not in bomb["description"]
        assert "x x" in bomb["description"]
        assert "<b>Bring</b>" in neighbour["description"]

    def test_says_of_one_that_exceeds_its_process_that_it_cannot_be_shown(
        self, alice, account, hers, monkeypatch
    ):
        narrow = ParserTaskBudget(
            cpu_seconds=30, memory_bytes=0, wall_seconds=60, reply_bytes=100_000
        )
        with monkeypatch.context() as patch:
            patch.setattr(get_parser_pool(), "_budget_for", lambda _: narrow)
            put_events_described(alice, account, "a & " * 40_000, MARKUP)

        costly, neighbour = list_events(hers)
        assert costly["description"] is None
        assert "<b>Bring</b>" in neighbour["description"]
        page = hers.get(f"/calendar/events/{costly['id']}/description/").text
        assert "too complex to be shown safely" in page


class TestAView:
    def test_of_current_rows_asks_no_process(self, alice, account, hers):
        put_events_described(alice, account, MARKUP)

        with lend_all():
            (one,) = list_events(hers)
            shown = ok(hers.get(f"{V1}/events/{one['id']}"))
            assert one["description"] == shown["description"]
            assert "<b>Bring</b>" in one["description"]
            assert "<b>Bring</b>" in get_description_page(hers)

    @pytest.mark.parametrize("view", ["list", "event", "page"])
    def test_of_an_older_row_makes_it_again_and_stores_it(self, alice, account, hers, view):
        put_events_described(alice, account, MARKUP)
        make_older(alice)
        (event_id,) = alice.events.values_list("id", flat=True)
        ask = {
            "list": lambda: list_events(hers)[0]["description"],
            "event": lambda: ok(hers.get(f"{V1}/events/{event_id}"))["description"],
            "page": lambda: hers.get(f"/calendar/events/{event_id}/description/").text,
        }[view]

        first = ask()
        with lend_all():
            second = ask()

        assert ("<b>Bring</b>" in first, "old rules" in first) == (True, False)
        assert second == first
        assert alice.events.get().shown_version == safe_bodies.VERSION
        assert content_of(alice)["description"] == MARKUP

    def test_of_an_older_row_says_that_it_is_busy_where_no_process_is_free(
        self, alice, account, hers
    ):
        put_events_described(alice, account, MARKUP)
        make_older(alice)

        with lend_all():
            answer = hers.get(f"{V1}/events/{alice.events.get().id}")

        assert (answer.status_code, answer.json()["code"]) == (503, "busy")
        assert answer["Retry-After"]
        assert alice.events.get().shown_version == 0

    def test_by_somebody_it_is_shared_with_makes_it_again_and_stores_nothing(
        self, alice, account, bob, his
    ):
        put_events_described(alice, account, MARKUP)
        share_calendar(alice, bob)
        make_older(alice)

        (one,) = list_events(his)

        assert "<b>Bring</b>" in one["description"]
        assert "old rules" not in one["description"]
        assert alice.events.get().shown_version == 0

    def test_does_not_overwrite_what_was_written_since(self, alice, account, hers, monkeypatch):
        put_events_described(alice, account, MARKUP)
        make_older(alice)
        show = parse_requests.sanitise_descriptions

        def write_and_sanitise(texts):
            Event.objects.update(synced_at=timezone.now())
            return show(texts)

        monkeypatch.setattr(parse_requests, "sanitise_descriptions", write_and_sanitise)
        assert "<b>Bring</b>" in list_events(hers)[0]["description"]

        assert alice.events.get().shown_version == 0
        assert content_of(alice)["shown"] == ["<i>old rules</i>", False]


class TestACalendarOfOnesOwn:
    def test_has_safe_descriptions_from_a_file_and_from_a_form(self, hers, alice):
        home = f"{V1}/calendars/{post_new_calendar(hers).json()['id']}"
        lines = (f"DTSTART:{moment(3):%Y%m%dT%H%M%SZ}", "DURATION:PT1H", f"DESCRIPTION:{MARKUP}")
        assert import_file(hers, home, calendar(event(*lines))).json()["added"] == 1

        row = Event.objects.get()
        assert row.shown_version == safe_bodies.VERSION
        with lend_all():
            (one,) = list_events(hers)
        assert "<b>Bring</b>" in one["description"]
        assert "script" not in one["description"]
