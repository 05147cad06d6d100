"""What is written is read as the same events, by our reader and by the library's."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from integrations.formats import timezones
from integrations.formats.event_content import Attendee, EventContent, Reminder, When
from integrations.formats.icalendar import calendar_file_writer
from tests.integrations.formats.icalendar.files import read_file

pytestmark = pytest.mark.clause("AN-9")
AT = datetime(2026, 6, 1, tzinfo=UTC)
PLACES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]
_WORDS = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")) | st.sampled_from(',;:\\"^\n'),
    max_size=120,
).map(str.strip)
_NAMES = st.text(st.characters(exclude_categories=("Cc", "Cs", "Z")), max_size=20)
_RULES = st.sampled_from(
    [(), ("RRULE:FREQ=DAILY;COUNT=4",), ("RRULE:FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20270101T000000Z",)]
)


@st.composite
def spans(draw):
    if draw(st.booleans()):
        day = draw(st.dates(date(2020, 1, 1), date(2035, 1, 1)))
        return When(day=day), When(day=day + timedelta(days=draw(st.integers(1, 9))))
    zone = draw(st.sampled_from(PLACES))
    clock = draw(st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1))).replace(microsecond=0)
    start = timezones.to_utc(clock, timezones.get_zone(zone))
    end = start + timedelta(minutes=draw(st.integers(0, 3_000)))
    # A time that is shown twice is kept as a moment; see `test_that_is_shown_twice`.
    place = timezones.get_zone(zone)
    if timezones.to_utc(timezones.to_local_time(end, place), place) != end:
        end = start
    return When(at=start, zone=zone), When(at=end, zone=zone)


@st.composite
def contents(draw):
    start, end = draw(spans())
    guests = draw(st.lists(_NAMES, max_size=3))
    return EventContent(
        title=draw(_WORDS),
        description=draw(_WORDS),
        location=draw(_WORDS),
        start=start,
        end=end,
        recurrence=draw(_RULES),
        attendees=tuple(
            Attendee(
                f"guest{number}@example.org",
                name,
                draw(st.sampled_from(["needs_action", "accepted", "tentative", "declined"])),
                is_optional=draw(st.booleans()),
            )
            for number, name in enumerate(guests)
        ),
        is_busy=draw(st.booleans()),
        is_private=draw(st.booleans()),
        is_tentative=draw(st.booleans()),
        reminders=draw(
            st.none()
            | st.lists(
                st.builds(Reminder, st.integers(0, 40_320), st.sampled_from(["popup", "email"])),
                min_size=1,
                max_size=4,
                unique=True,
            ).map(lambda found: tuple(sorted(found)))
        ),
    )


def written(content: EventContent, **more) -> bytes:
    used = calendar_file_writer.find_zones(content)
    return (
        calendar_file_writer.write_head(name="Family", zone="Europe/Berlin", zones_used=used)
        + calendar_file_writer.write_event(
            content, uid="a@example.org", at=AT, owner="alice@example.org", **more
        )
        + calendar_file_writer.write_end()
    )


class TestWrittenEvent:
    @settings(max_examples=150, deadline=None)
    @given(contents())
    def test_comes_back_as_it_was(self, content):
        (entry,) = read_file(written(content, sequence=3)).entries

        assert entry.event.content == content
        assert (entry.uid, entry.sequence) == ("a@example.org", 3)

    @settings(max_examples=60, deadline=None)
    @given(contents())
    def test_is_one_for_the_library_too(self, content):
        data = written(content)

        (event,) = Calendar.from_ical(data).walk("VEVENT")
        assert str(event.get("SUMMARY", "")) == content.title
        assert all(len(line) <= 75 for line in data.split(b"\r\n"))
        assert b"\n" not in data.replace(b"\r\n", b"")

    def test_that_is_shown_twice_is_written_as_the_moment_that_it_is(self):
        second = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
        content = EventContent(
            start=When(at=second, zone="Europe/Berlin"), end=When(at=second, zone="Europe/Berlin")
        )

        (entry,) = read_file(written(content)).entries

        assert entry.event.content.start.at == second

    def test_has_its_exceptions(self):
        at = datetime(2026, 6, 3, 7, tzinfo=UTC)
        content = EventContent(
            start=When(at=at, zone="Europe/Berlin"),
            end=When(at=at, zone="Europe/Berlin"),
            recurrence=("RRULE:FREQ=DAILY;COUNT=4",),
        )
        second = When(at=at + timedelta(days=1), zone="Europe/Berlin")
        third = When(at=at + timedelta(days=2), zone="Europe/Berlin")
        changed = EventContent(title="Late", start=third, end=third)

        data = (
            calendar_file_writer.write_head(name="F", zone="UTC", zones_used={"Europe/Berlin"})
            + calendar_file_writer.write_event(content, uid="a", at=AT, cancelled_starts=[second])
            + calendar_file_writer.write_event(changed, uid="a", at=AT, original_start=third)
            + calendar_file_writer.write_end()
        )

        (entry,) = read_file(data).entries
        assert entry.event.content.recurrence[1] == "EXDATE;TZID=Europe/Berlin:20260604T090000"
        assert entry.event.exceptions[third.at].title == "Late"

    def test_names_each_zone_that_it_uses_once(self):
        content = EventContent(
            start=When(at=AT, zone="Europe/Berlin"), end=When(at=AT, zone="America/New_York")
        )

        assert written(content).count(b"BEGIN:VTIMEZONE") == 2
