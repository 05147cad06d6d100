"""An Antares calendar, from the button to its end, as its owner walks through it."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from integrations.calendar import ics_export, local_calendars, local_events
from integrations.formats.icalendar import calendar_file_reader, icalendar_components
from integrations.models import Calendar, Connection, Event
from integrations.parsers import parse_requests as parsers
from limited_use.models import Leaf
from limited_use.models.shares import Share, ShareLevel
from limited_use.policy.feature_registry import FEATURES
from limited_use.vault import data_keys
from tests.api import cast
from tests.database_rows import TABLES_OF_A_RECORD, dump_tables, list_changed_tables
from tests.integrations.calendar.test_imported import share_calendar
from tests.integrations.calendar.test_shared import actor_of
from tests.integrations.formats.icalendar.files import BERLIN, calendar, event
from tests.integrations.formats.icalendar.hostile_files import zones
from tests.integrations.household import person
from tests.integrations.pages import reading as page_reading
from tests.integrations.sync.conftest import keyring
from tests.lent_parsers import lend_all
from tests.walls import requests_act_as_web

__all__ = ["keyring", "requests_act_as_web"]

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.clause("AN-9"),
    pytest.mark.usefixtures("requests_act_as_web", "keyring"),
]
NEW = reverse("settings-local-calendar-new")
VERSION = FEATURES["local-calendar"].version
FAMILY = {"name": "Family", "zone": BERLIN, "colour": "#aa3377", "agree": "on", "version": VERSION}
TEA = event("DTSTART:20260603T090000", "DURATION:PT1H", "SUMMARY:Tea", uid="tea@x")
CAKE = event("DTSTART:20260604T090000", "DURATION:PT1H", "SUMMARY:Cake", uid="cake@x")


@pytest.fixture
def alice(keyring):
    return person("alice", at=timezone.now())


@pytest.fixture
def browser(alice):
    return cast.browser(alice[0])


@pytest.fixture
def home(browser):
    assert browser.post(NEW, FAMILY).status_code == 302
    return Calendar.objects.get()


def reverse_local_calendar(name: str, home) -> str:
    return reverse(f"settings-local-calendar{name}", args=[home.id])


def import_file(browser, home, data: bytes, **more):
    chosen = SimpleUploadedFile("my.ics", data, content_type="text/calendar")
    return browser.post(reverse_local_calendar("-fill", home), {"file": chosen}, **more)


def file_of(browser, home):
    answer = browser.get(reverse_local_calendar("-file", home))
    return answer, b"".join(answer.streaming_content)


def find_in_tables(needle: bytes) -> set[str]:
    """Return the tables in which the bytes stand, as text or in hexadecimal."""
    found = set()
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(
                f"SELECT count(*) FROM {table} t WHERE t::text LIKE ANY (%s)",  # noqa: S608
                [[f"%{needle.decode()}%", f"%{needle.hex()}%"]],
            )
            if cursor.fetchone() != (0,):
                found.add(table)
    return found


class TestBeginning:
    def test_says_what_it_is_before_it_is_agreed_to(self, browser):
        shown = browser.get(NEW).content.decode()

        assert "They are stored only in Antares." in shown
        assert "a year without signing in" in shown
        assert "temporary" not in shown

    def test_leads_to_its_page(self, browser):
        answer = browser.post(NEW, FAMILY, follow=True)

        assert "Family" in answer.content.decode()

    @pytest.mark.parametrize(
        ("wrong", "says"),
        [
            ({"name": " "}, "This field is required"),
            ({"name": "x" * 201}, "at most 200"),
            ({"zone": "Europe/Atlantis"}, "not one of the available choices"),
            ({"colour": "red"}, "Enter a colour"),
            ({"agree": ""}, "Tick this box to continue"),
            ({"version": VERSION + 1}, "Read it again"),
        ],
    )
    def test_says_at_the_field_what_is_wrong_and_keeps_the_rest(self, browser, wrong, says):
        shown = browser.post(NEW, {**FAMILY, **wrong}).content.decode()

        assert says in shown
        assert Calendar.objects.count() == 0
        if "name" not in wrong:
            assert 'value="Family"' in shown

    def test_after_its_terms_changed_asks_for_the_current_ones(self, browser):
        asked = browser.post(NEW, {**FAMILY, "version": VERSION - 1})
        form = asked.context["form"]
        assert form["version"].value() == str(VERSION)
        assert form["agree"].value() is False

        again = {**FAMILY, "version": form["version"].value(), "agree": "on"}
        assert browser.post(NEW, again).status_code == 302
        assert Calendar.objects.count() == 1

    def test_of_more_than_anybody_keeps_apart_is_refused(self, browser, home, monkeypatch):
        monkeypatch.setattr(local_calendars, "MAX_CALENDARS", 1)

        assert "Remove one first" in browser.post(NEW, FAMILY).content.decode()


class TestItsPage:
    def test_calls_it_otherwise(self, browser, home):
        about = {"name": "Club", "zone": "UTC", "colour": "#112233", "version": home.version}
        browser.post(reverse_local_calendar("", home), about)

        shown = browser.get(reverse_local_calendar("", home)).content.decode()
        assert "<h1>Club</h1>" in shown
        assert 'value="UTC"' in shown

    @pytest.mark.claim("local-calendar.sealed")
    def test_stores_what_is_written_in_it_sealed(self, browser, home, alice):
        marker = "CANARY-6f1c"
        named = {"name": f"{marker} club", "zone": BERLIN, "version": home.version}
        assert browser.post(reverse_local_calendar("", home), named).status_code == 302
        import_file(browser, home, calendar(TEA.replace("Tea", f"{marker} tea"), CAKE))

        assert marker.encode() in file_of(browser, home)[1]
        assert find_in_tables(marker.encode()) == set()
        assert "accounts_user" in find_in_tables(alice[0].email.encode())
        assert Connection.objects.get().provider == "offline"

    def test_keeps_what_was_typed(self, browser, home):
        shown = browser.post(
            reverse_local_calendar("", home), {"name": "Club", "zone": "Nowhere"}
        ).content.decode()

        assert 'value="Club"' in shown
        assert "not one of the available choices" in shown

    @pytest.mark.claim("local-calendar.no-address", "feature.calendar-export")
    @pytest.mark.control("3.1.4")
    def test_is_nobody_elses(self, home):
        mallory = cast.browser(person("mallory", at=timezone.now())[0])

        for name in ("", "-file", "-remove"):
            assert mallory.get(reverse_local_calendar(name, home)).status_code == 404
            nobody = Client().get(reverse_local_calendar(name, home))
            assert (nobody.status_code, nobody.url.partition("?")[0]) == (302, "/accounts/login/")
        assert import_file(mallory, home, calendar(TEA)).status_code == 404
        assert mallory.post(reverse_local_calendar("", home), FAMILY).status_code == 404
        assert mallory.post(reverse_local_calendar("-remove", home)).status_code == 404
        assert Event.objects.count() == 0

    def test_is_led_to_from_the_list(self, browser, home):
        listed = browser.get(reverse("settings-calendars", args=[home.integration_id]))

        assert reverse_local_calendar("", home) in listed.content.decode()


class TestFilling:
    @pytest.mark.scenario("C4")
    def test_takes_all_of_it(self, browser, home):
        answer = import_file(browser, home, calendar(TEA, CAKE), follow=True).content.decode()

        assert "Events: 2 added." in answer
        day = browser.get(reverse("calendar"), {"view": "month", "day": "2026-06-03"})
        assert "Tea" in day.content.decode()

    @pytest.mark.claim("import.replaces")
    @pytest.mark.scenario("C3")
    @pytest.mark.scenario("S4")
    def test_again_replaces_and_doubles_nothing(self, browser, home):
        import_file(browser, home, calendar(TEA, CAKE))

        changed = calendar(TEA.replace("Tea", "Coffee"))
        answer = import_file(browser, home, changed, follow=True).content.decode()

        assert "Events: 1 replaced." in answer
        _, data = file_of(browser, home)
        found = [
            one.event.content.title
            for one in calendar_file_reader.read_calendar_file(data, zone="UTC").entries
        ]
        assert sorted(found) == ["Cake", "Coffee"]

    def test_takes_away_what_the_file_calls_off(self, browser, home):
        import_file(browser, home, calendar(TEA, CAKE))

        off = calendar(TEA.replace("SUMMARY:Tea", "STATUS:CANCELLED"))
        answer = import_file(browser, home, off, follow=True).content.decode()

        assert "Events: 1 removed." in answer
        assert Event.objects.count() == 1

    def test_puts_one_of_a_series_back_where_its_series_comes_later(self, browser, home):
        series = event("DTSTART:20260603T070000Z", "RRULE:FREQ=DAILY;COUNT=3", uid="s@x")
        moved = event("RECURRENCE-ID:20260604T070000Z", "DTSTART:20260604T130000Z", uid="s@x")

        import_file(browser, home, calendar(moved))
        import_file(browser, home, calendar(series, moved))

        assert sorted(Event.objects.values_list("kind", flat=True)) == ["changed", "series"]

    @pytest.mark.claim("import.nothing-taken")
    def test_of_a_broken_file_says_which_lines_and_takes_nothing(self, browser, home):
        broken = calendar(TEA, CAKE.replace("20260604T090000", "someday"))

        answer = import_file(browser, home, broken)

        shown = answer.content.decode()
        assert answer.status_code == 422
        assert 'data-label="Line">11<' in shown
        assert "Nothing was imported. Correct the file" in shown
        assert Event.objects.count() == 0

    @pytest.mark.claim("import.busy")
    def test_while_others_are_read_takes_nothing_and_asks_to_try_again(
        self, browser, home, monkeypatch
    ):
        monkeypatch.setattr(parsers, "WAIT_SECONDS", 0.05)
        with lend_all():
            answer = import_file(browser, home, calendar(TEA))

        assert (answer.status_code, answer["Retry-After"]) == (503, "5")
        shown = answer.content.decode()
        assert "Other files are being imported right now. Nothing was imported." in shown
        assert Event.objects.count() == 0
        assert import_file(browser, home, calendar(TEA)).status_code == 302

    @pytest.mark.claim("import.nothing-taken")
    def test_of_a_costly_file_says_so_and_takes_nothing(self, browser, home):
        answer = import_file(browser, home, zones(80))

        assert answer.status_code == 422
        assert "It takes too much work to find when all of this happens" in answer.content.decode()
        assert Event.objects.count() == 0

    @pytest.mark.scenario("F2")
    def test_of_too_large_a_file_is_refused_without_a_copy_on_a_disk(self, browser, home, settings):
        settings.FILE_UPLOAD_TEMP_DIR = "/nowhere/at/all"

        answer = import_file(browser, home, b"x" * (icalendar_components.MAX_BYTES + 1_000_000))

        assert "larger than 10 MB" in answer.content.decode()

    def test_without_a_file_says_so(self, browser, home):
        assert (
            "Choose a file first"
            in browser.post(reverse_local_calendar("-fill", home)).content.decode()
        )

    def test_of_more_than_fits_takes_nothing(self, browser, home, monkeypatch):
        monkeypatch.setattr(local_events, "MAX_ROWS", 1)

        assert (
            "can have at most 1 events"
            in import_file(browser, home, calendar(TEA, CAKE)).content.decode()
        )
        assert Event.objects.count() == 0

    @pytest.mark.scenario("F3")
    def test_shows_nothing_of_what_stands_in_a_line(self, browser, home):
        answer = import_file(browser, home, calendar("<script>alert(1)</script>")).content.decode()

        assert "alert(1)" not in answer


class TestTheFile:
    @pytest.mark.claim("feature.calendar-export")
    def test_holds_what_was_put_in(self, browser, home):
        series = event(
            "DTSTART;TZID=America/New_York:20260603T090000",
            "DURATION:PT1H",
            "RRULE:FREQ=DAILY;COUNT=4",
            "SUMMARY:Run",
            uid="run@x",
        )
        moved = event(
            "RECURRENCE-ID:20260604T130000Z",
            "DTSTART:20260604T180000Z",
            "SUMMARY:Late",
            uid="run@x",
        )
        off = event(
            "RECURRENCE-ID:20260605T130000Z",
            "DTSTART:20260605T130000Z",
            "STATUS:CANCELLED",
            uid="run@x",
        )
        import_file(browser, home, calendar(TEA, series, moved, off))

        answer, data = file_of(browser, home)

        assert answer["Content-Type"].startswith("text/calendar")
        assert answer["Content-Disposition"].startswith('attachment; filename="antares-calendar-')
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert "no-store" in answer["Cache-Control"]
        assert data.count(b"BEGIN:VTIMEZONE") == 2
        by_uid = {
            one.uid: one.event
            for one in calendar_file_reader.read_calendar_file(data, zone="UTC").entries
        }
        assert by_uid["tea@x"].content.start.zone == BERLIN
        run = by_uid["run@x"]
        assert len(run.content.recurrence) == 2
        assert [one.title for one in run.exceptions.values()] == ["Late"]

    def test_of_an_empty_calendar_is_one(self, browser, home):
        _, data = file_of(browser, home)

        assert b"X-WR-CALNAME:Family" in data
        assert calendar_file_reader.read_calendar_file(data, zone="UTC").entries == ()

    @pytest.mark.claim("feature.calendar-export", "stored.no-copy")
    def test_is_not_kept_by_antares(self, browser, home):
        import_file(browser, home, calendar(TEA))
        before = dump_tables()

        assert b"SUMMARY:Tea" in file_of(browser, home)[1]

        assert list_changed_tables(before) <= TABLES_OF_A_RECORD

    @pytest.mark.invariant(3)
    def test_is_in_the_ledger(self, browser, home):
        import_file(browser, home, calendar(TEA))

        file_of(browser, home)

        assert any(
            b"owner-exports-own-calendar" in bytes(one.payload) for one in Leaf.objects.all()
        )

    @pytest.mark.invariant(5)
    def test_of_what_was_removed_meanwhile_has_no_end(self, browser, home, alice, monkeypatch):
        monkeypatch.setattr(ics_export, "_MAX_EVENTS", 1)
        import_file(browser, home, calendar(TEA, CAKE))
        parts = ics_export.stream_calendar(
            actor=actor_of(*alice), calendar_id=home.id, now=timezone.now
        )
        begun = [next(parts), next(parts)]

        local_calendars.remove_local_calendar(
            actor=actor_of(*alice), calendar_id=home.id, etag=home.version, at=timezone.now()
        )

        assert b"END:VCALENDAR" not in b"".join([*begun, *parts])


class TestRemoving:
    def test_asks_first_and_says_that_it_is_for_good(self, browser, home):
        import_file(browser, home, calendar(TEA))

        shown = browser.get(reverse_local_calendar("-remove", home)).content.decode()

        assert "1 event," in shown
        assert "for good" in shown
        assert Calendar.objects.count() == 1

    @pytest.mark.claim("local-remove.nothing", "local-remove.done")
    @pytest.mark.claim("local-remove.no-copy")
    @pytest.mark.claim(
        "local-remove.all",
        "local-remove.key",
        "local-calendar.gone",
        "calendars.local-gone",
    )
    @pytest.mark.invariant(5)
    def test_destroys_its_key(self, browser, home, alice):
        import_file(browser, home, calendar(TEA))
        bob = actor_of(*person("bob", alice[1], at=timezone.now()))
        share_calendar(actor_of(*alice), bob, home.id, ShareLevel.DETAILS)
        page = browser.get(reverse_local_calendar("-remove", home)).content.decode()
        # Each part of what it says is a row that the end of this test looks for.
        assert [
            part in page_reading.text(page)
            for part in (
                "Antares removes all of it: 1 event, its name, and every share of it.",
                "Its key is destroyed at once. From then on, Antares cannot open it.",
                "It is stored only in Antares. A removed calendar cannot be restored.",
            )
        ] == [True] * 3

        stale = browser.post(
            reverse_local_calendar("-remove", home), {"version": "0" * 32}, follow=True
        )
        still = Event.objects.count()
        answer = browser.post(
            reverse_local_calendar("-remove", home), {"version": home.version}, follow=True
        )

        assert ("Nothing was removed" in stale.content.decode(), still) == (True, 1)
        assert "Calendar removed, with 1 event." in answer.content.decode()
        assert not data_keys.has_data_key(home.cache_id)
        assert (Calendar.objects.count(), Event.objects.count()) == (0, 0)
        assert not Share.objects.filter(withdrawn_at=None).exists()

    def test_of_none_offers_no_removal(self, home, alice):
        browser = cast.browser(alice[0], recent=True)
        address = reverse("settings-disconnect", args=[home.integration_id])
        assert "Remove all</button>" in browser.get(address).text

        browser.post(reverse_local_calendar("-remove", home), {"version": home.version})

        shown = browser.get(address).text
        assert "You have no Antares calendars. There is nothing to remove." in shown
        assert "Remove all</button>" not in shown

    @pytest.mark.claim("local-remove.shares-end", "local-remove.within-an-hour")
    @pytest.mark.invariant(5)
    def test_of_all_ends_their_shares_and_keys_at_once(self, home, alice):
        browser = cast.browser(alice[0], recent=True)
        import_file(browser, home, calendar(TEA, CAKE))
        bob = actor_of(*person("bob", alice[1], at=timezone.now()))
        share_calendar(actor_of(*alice), bob, home.id, ShareLevel.DETAILS)
        address = reverse("settings-disconnect", args=[home.integration_id])

        shown = page_reading.text(browser.get(address).content.decode())
        assert "Sharing of these calendars ends at once." in shown
        assert "1 calendar with 2 events: unreadable at once, and removed within an hour." in shown
        assert browser.post(address, {"files_kept": "yes"}).status_code == 302

        assert not Share.objects.filter(withdrawn_at=None).exists()
        assert not data_keys.has_data_key(home.cache_id)
