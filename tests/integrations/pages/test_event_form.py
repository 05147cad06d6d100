"""What is typed of an event, and the draft that it is: bounded, and nothing guessed."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from uuid import uuid4

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as some

from integrations.calendar.events.event_validation import BadEventDraft
from integrations.calendar.pages import recurrence_form
from integrations.calendar.pages.event_form import EventForm, get_blank_values
from integrations.calendar.pages.recurrence_form import RepeatChoice
from integrations.formats import timezones
from integrations.formats.event_content import EventContent, Reminder, When
from integrations.formats.recurrence.recurrence_parser import parse_series

TUESDAY = date(2026, 3, 3)


def typed(**more) -> EventForm:
    said = {
        "key": str(uuid4()),
        "calendar": str(uuid4()),
        "title": "Review",
        "start_day": "2026-03-03",
        "start_time": "09:00",
        "end_day": "2026-03-03",
        "end_time": "10:00",
        "zone": "Europe/Berlin",
        **more,
    }
    data = QueryDict(mutable=True)
    for name, value in said.items():
        data.setlist(name, value if isinstance(value, list) else [value])
    return EventForm(data)


def draft(**more):
    form = typed(**more)
    assert form.is_valid(), form.errors
    return form.build_draft()


class TestAForm:
    def test_is_an_event_on_the_clock_of_a_place(self):
        made = draft()

        assert made.start == When(at=datetime(2026, 3, 3, 8, tzinfo=UTC), zone="Europe/Berlin")
        assert made.end == When(at=datetime(2026, 3, 3, 9, tzinfo=UTC), zone="Europe/Berlin")
        assert made.recurrence == ()
        assert made.reminders is None

    def test_of_days_counts_the_last_one_in(self):
        made = draft(is_days="on", end_day="2026-03-05", start_time="", end_time="")

        assert (made.start, made.end) == (When(day=TUESDAY), When(day=date(2026, 3, 6)))

    def test_has_a_guest_on_each_line(self):
        made = draft(guests="bob@work.example\r\n\r\n  carol@work.example  ")

        assert [one.email for one in made.attendees] == ["bob@work.example", "carol@work.example"]

    @pytest.mark.parametrize(
        ("typed_as", "meant"),
        [("", None), ("none", ()), ("0", (Reminder(0),)), ("1440", (Reminder(1440),))],
    )
    def test_says_when_to_remind(self, typed_as, meant):
        assert draft(reminders=typed_as).reminders == meant

    @pytest.mark.parametrize(
        ("wrong", "at"),
        [
            ({"start_day": "3.3.2026"}, "start_day"),
            ({"start_time": ""}, "start_time"),
            ({"end_time": "25:00"}, "end_time"),
            ({"repeats": "hourly"}, "repeats"),
            ({"every": "0"}, "every"),
            ({"count": "1000000"}, "count"),
            ({"until": "2026-04-01", "count": "3"}, "count"),
            ({"weekdays": ["7"]}, "weekdays"),
            ({"title": "x" * 1001}, "title"),
            ({"description": "x" * 5_000_000}, "description"),
            ({"guests": "x" * 60_001}, "guests"),
            ({"calendar": "mine"}, "calendar"),
            ({"key": ""}, "key"),
            ({"reminders": "7"}, "reminders"),
        ],
    )
    def test_says_at_the_field_what_is_wrong(self, wrong, at):
        assert list(typed(**wrong).errors) == [at]

    @pytest.mark.scenario("C4")
    @pytest.mark.parametrize(
        ("wrong", "at"),
        [
            ({"start_day": "2026-03-29", "start_time": "02:30"}, "start_day"),
            ({"zone": "Mars/Base"}, "zone"),
        ],
    )
    def test_says_so_of_a_time_that_no_clock_shows(self, wrong, at):
        form = typed(**wrong)
        assert form.is_valid()

        with pytest.raises(BadEventDraft) as caught:
            form.build_draft()
        form.add_draft_errors(caught.value)

        assert list(form.errors) == [at]

    def test_says_elsewhere_what_has_no_field(self):
        form = typed()

        form.add_draft_errors(BadEventDraft({"conference": "No."}))

        assert form.non_field_errors() == ["No."]

    @given(
        some.dates(date(1990, 1, 1), date(2100, 1, 1)),
        some.integers(0, 23),
        some.booleans(),
    )
    def test_that_is_blank_is_an_event_as_it_stands(self, day, hour, is_days):
        start = get_blank_values(
            datetime.combine(day, time(hour)), timedelta(hours=1), is_days=is_days
        )
        said = {
            name: f"{start[name]:%Y-%m-%d}" if name.endswith("day") else f"{start[name]:%H:%M}"
            for name in ("start_day", "start_time", "end_day", "end_time")
        }

        made = draft(**said, **({"is_days": "on"} if is_days else {}), zone="UTC")

        length = timedelta(days=1) if is_days else timedelta(hours=1)
        begins, ends = (one.day if is_days else one.at for one in (made.start, made.end))
        assert ends - begins == length


starts = some.one_of(
    some.dates(date(1990, 1, 1), date(2100, 1, 1)).map(lambda day: When(day=day)),
    some.builds(
        lambda clock, name: When(at=timezones.to_utc(clock, timezones.get_zone(name)), zone=name),
        some.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)).map(  # noqa: DTZ001 - clocks
            lambda one: one.replace(second=0, microsecond=0)
        ),
        some.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe"]),
    ),
)
repeats = some.builds(
    RepeatChoice,
    pattern=some.sampled_from([how for how, _ in recurrence_form.CHOICES[1:]]),
    interval=some.integers(1, 99),
    until=some.none(),
    count=some.none() | some.integers(1, 500),
)


class TestARepetition:
    @given(repeats, starts, some.sets(some.integers(0, 6), min_size=1), some.booleans())
    def test_comes_back_as_it_was_chosen(self, repeat, start, days, ends_on_a_day):
        weekly = tuple(sorted(days)) if repeat.pattern == "weekly" else ()
        until = date(2101, 5, 6) if ends_on_a_day and not repeat.count else None
        chosen = RepeatChoice(repeat.pattern, repeat.interval, weekly, until, repeat.count)

        lines = recurrence_form.format_recurrence(chosen, start)

        assert recurrence_form.parse_recurrence(lines, start) == chosen
        end = When(day=start.day + timedelta(days=1)) if start.day else start
        assert parse_series(EventContent(start=start, end=end, recurrence=lines)).runs

    def test_of_a_fifth_weekday_is_that_of_the_last(self):
        lines = recurrence_form.format_recurrence(RepeatChoice("nth"), When(day=date(2026, 3, 31)))

        assert lines == ("RRULE:FREQ=MONTHLY;BYDAY=-1TU",)

    @pytest.mark.parametrize(
        "lines",
        [
            ("RRULE:FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=1",),
            ("RRULE:FREQ=HOURLY",),
            ("RRULE:FREQ=DAILY", "EXDATE:20260304"),
            ("EXDATE:20260304",),
            ("nonsense",),
        ],
    )
    def test_that_none_of_the_choices_makes_is_none_of_them(self, lines):
        assert recurrence_form.parse_recurrence(lines, When(day=TUESDAY)) is None

    def test_of_what_happens_once_is_none(self):
        assert recurrence_form.format_recurrence(RepeatChoice(""), When(day=TUESDAY)) == ()
        assert recurrence_form.parse_recurrence((), When(day=TUESDAY)) == RepeatChoice("")
