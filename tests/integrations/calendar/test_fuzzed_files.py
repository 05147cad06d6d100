"""Broken calendar files through the real import: all of a file becomes rows, or nothing of it."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.process_classes import ProcessClass
from integrations.calendar import ics_import
from integrations.formats.icalendar.file_problems import UnreadableCalendarFile
from integrations.models import Event
from tests.integrations.calendar.local_house import create_local_calendar, utc
from tests.integrations.calendar.test_shared import actor_of
from tests.integrations.calendar_house import NOW
from tests.integrations.formats.icalendar.files import OWN_RULES, calendar, event
from tests.integrations.formats.icalendar.hostile_files import GOOD, HOSTILE
from tests.integrations.household import person
from tests.walls import acting_as

from . import local_house

pytestmark = [pytest.mark.django_db, pytest.mark.clause("AN-9"), pytest.mark.scenario("F3")]

FILES = (
    calendar(
        OWN_RULES.format(name="My own zone", summer="+0200", winter="+0100"),
        event(
            "DTSTART;TZID=My own zone:20260603T090000",
            "DURATION:PT1H",
            "SUMMARY:Tea",
            "DESCRIPTION:<b>Bring</b> cake\\, and tea",
            "RRULE:FREQ=WEEKLY;BYDAY=WE;COUNT=10",
            "EXDATE;TZID=My own zone:20260610T090000",
            'ATTENDEE;CN="Bob; B";PARTSTAT=ACCEPTED:mailto:bob@example.org',
            "ORGANIZER:mailto:ann@example.org",
            "BEGIN:VALARM\nTRIGGER:-PT15M\nACTION:EMAIL\nEND:VALARM",
            uid="tea@x",
        ),
        event(
            "RECURRENCE-ID;TZID=My own zone:20260617T090000",
            "DTSTART;TZID=My own zone:20260617T110000",
            "DURATION:PT2H",
            "SUMMARY:Tea, later",
            uid="tea@x",
        ),
    ),
    calendar(
        event("DTSTART;VALUE=DATE:20260604", "SUMMARY:Fair", "CLASS:PRIVATE", uid="fair@x"),
        event("DTSTART:20260605T090000Z", "STATUS:CANCELLED", uid="off@x"),
        event("DTSTART:20260606T090000", "TRANSP:TRANSPARENT", "SEQUENCE:7", uid="free@x"),
    ),
    *(data[:4_000] for data, _ in HOSTILE.values()),
)
PIECES = (
    b"BEGIN:VEVENT\r\n", b"END:VEVENT\r\n", b"BEGIN:VCALENDAR\r\n", b"END:VCALENDAR\r\n", b"\r\n ",
    b"RRULE:FREQ=SECONDLY\r\n", b"RRULE:FREQ=YEARLY;BYWEEKNO=53;COUNT=9999999\r\n",
    b"RDATE:20260603T090000Z,99991231T235959Z\r\n", b"DTSTART:00010101T000000\r\n", b"\x00",
    b"\xed\xa0\x80", b"\xff\xfe", b"DURATION:-P99999999999D\r\n", b"SEQUENCE:99999999999999999999",
    b"TZID=", b":", b";", b'"', b"9" * 30, b"DTEND:99991231T235959Z\r\n", b"UID:\r\n", b"\\n\\,\\;",
    b"RECURRENCE-ID:20260604T090000Z\r\n", b"TRIGGER:P999999999W\r\n", b"&" * 300, b"<font>" * 200,
)  # fmt: skip


@st.composite
def draw_broken_file(draw) -> bytes:
    """Return a file with pieces cut out, doubled, moved and put in."""
    data = draw(st.sampled_from(FILES))
    for _ in range(draw(st.integers(0, 6))):
        begin = draw(st.integers(0, len(data)))
        end = min(len(data), begin + draw(st.integers(0, 120)))
        piece = draw(st.sampled_from([*PIECES, data[begin:end] * 2, b""]))
        data = data[:begin] + piece + data[draw(st.sampled_from([begin, end])) :]
    return data


@pytest.fixture
def alice(keyring, db):
    return actor_of(*person("alice", at=NOW))


@pytest.fixture
def home(alice):
    calendar_id = create_local_calendar(alice)
    import_file(alice, calendar_id, calendar(GOOD))
    return calendar_id


def import_file(alice, calendar_id, data: bytes) -> ics_import.CalendarImportResult:
    with acting_as(ProcessClass.WEB, alice):
        return ics_import.import_calendar_file(
            actor=alice, calendar_id=calendar_id, data=data, at=NOW
        )


def list_event_rows() -> set[tuple]:
    return set(Event.objects.values_list("id", "kind", "seen_round"))


class TestABrokenFile:
    @settings(
        max_examples=25,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(data=draw_broken_file())
    def test_is_taken_whole_or_not_at_all(self, alice, home, data):
        before = list_event_rows()
        done = None
        with suppress(UnreadableCalendarFile):
            done = import_file(alice, home, data)
        if done is None:
            assert list_event_rows() == before
        else:
            made = Event.objects.filter(kind__in=["single", "series"]).count()
            was = sum(kind in {"single", "series"} for _, kind, _ in before)
            assert made == was + done.added_count - done.removed_count
        # Whatever was taken opens, and what was there before is still there.
        shown = local_house.list_shown_events(alice, utc(1, 0), utc(30, 0))
        assert "Good" in {one["title"] for one in shown}

    @pytest.mark.parametrize("place", range(2))
    def test_of_the_corpus_is_taken_unbroken(self, alice, home, place):
        assert import_file(alice, home, FILES[place]).added_count
