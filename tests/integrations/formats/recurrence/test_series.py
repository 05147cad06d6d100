"""Series read from their lines, and between which moments all of them lies."""

from datetime import UTC, date, datetime, timedelta
from itertools import islice

import pytest
from dateutil.rrule import rrulestr
from hypothesis import example, given
from hypothesis import strategies as st

from integrations.formats.event_content import EventContent, When
from integrations.formats.recurrence.recurrence_parser import (
    BadSeries,
    get_series_span,
    parse_series,
)
from integrations.formats.recurrence.rrule import WEEKDAYS
from integrations.formats.recurrence.rrule_iter import RecurrenceWorkBudget
from integrations.formats.recurrence.series import BadEventTimes
from integrations.formats.timezones import UnknownZone
from tests.integrations.formats.recurrence.samples import event, utc

WORDS = (
    "RRULE:", "FREQ=", "DAILY", "WEEKLY", "HOURLY", "YEARLY", ";", "COUNT=", "UNTIL=",
    "INTERVAL=", "BYDAY=", "MO", ",", "-1FR", "BYSETPOS=", "BYWEEKNO=", "1", "53", "9999",
    "00010101", "20260301", "T000000", "Z", "EXDATE", "RDATE", ":", ";TZID=", "Europe/Berlin",
)  # fmt: skip


def _all(most):
    return ",".join(map(str, range(most)))


class TestALineOfASeries:
    @pytest.mark.parametrize(
        ("lines", "number"),
        [
            (("RRULE:FREQ=DAILY", "nonsense"), 2),
            (("RRULE:FREQ=HOURLYISH",), 1),
            (("EXRULE:FREQ=DAILY",), 1),
            (("EXDATE:yesterday",), 1),
            (("RRULE:FREQ=DAILY", "EXDATE;TZID=Mars/Olympus:20260101T090000"), 2),
            (("RDATE;VALUE=PERIOD:20260101T090000Z/PT1H",), 1),
            (("RDATE:" + ",".join(["20260101T090000Z"] * 5_001),), 1),
            (("RRULE:FREQ=DAILY",) * 501, 501),
            (("RRULE:FREQ=MONTHLY;BYDAY=5MO;COUNT=1000000",), 1),
            (("RRULE:FREQ=MINUTELY;BYSETPOS=9;BYSECOND=1;COUNT=9",), 1),
            ((f"RRULE:FREQ=DAILY;BYHOUR={_all(24)};BYMINUTE={_all(60)};BYSECOND=1,2;COUNT=9",), 1),
        ],
    )
    def test_that_cannot_be_followed_is_named_by_its_number(self, lines, number):
        with pytest.raises(BadSeries) as caught:
            parse_series(event("2026-01-01 09:00", "", *lines))

        assert (caught.value.line, caught.value.__context__) == (number, None)
        assert caught.value.why

    def test_may_not_have_hours_where_the_series_is_of_days(self):
        with pytest.raises(BadSeries):
            parse_series(event("2026-01-01", "", "RRULE:FREQ=HOURLY"))

        ignored = event("2026-01-01", "", "RRULE:FREQ=DAILY;BYHOUR=7;COUNT=2")

        assert parse_series(ignored).last_start() == date(2026, 1, 2)

    def test_does_not_repeat_what_somebody_wrote_in_its_error(self):
        with pytest.raises(BadSeries) as caught:
            parse_series(event("2026-01-01", "", "EXDATE:canary"))

        assert "canary" not in str(caught.value)

    @given(
        beginning=st.sampled_from(["", "RRULE:FREQ=", "RDATE", "EXDATE:"]),
        text=st.text(max_size=40) | st.lists(st.sampled_from(WORDS), max_size=12).map("".join),
    )
    @example("RRULE:FREQ=", "DAILY;UNTIL=00010101T000000Z")
    @example("RDATE", ":99991231T235959Z")
    @example("EXDATE", ";TZID=America/Los_Angeles:00010101T000000")
    @example("RRULE:FREQ=", "YEARLY;INTERVAL=9999999;COUNT=9999999")
    @example("RRULE:FREQ=", "WEEKLY;INTERVAL=9999999;BYDAY=MO,TU;COUNT=9999999")
    def test_is_read_or_refused_whatever_it_is(self, beginning, text):
        for start in ("2026-01-01", "2026-01-01 09:00"):
            try:
                begins, ends = get_series_span(event(start, "", beginning + text))
            except BadSeries:
                continue
            assert ends is None or begins < ends


class TestEventOfSeries:
    @pytest.mark.parametrize(
        "times",
        [
            ("2026-01-01 09:00", "2026-01-01 08:59"),
            ("2026-01-01", "2026-01-01"),
            ("2026-01-02", "2026-01-01"),
            ("2026-01-01", "2026-01-01 10:00"),
            ("2026-01-01 09:00", "2126-06-01 09:00"),
            ("0999-01-01", "1000-01-01"),
            ("9001-01-01", "9001-01-02"),
        ],
    )
    def test_that_is_none_is_refused(self, times):
        with pytest.raises(BadEventTimes):
            parse_series(event(*times))

    def test_without_an_offset_is_refused(self):
        with pytest.raises(BadEventTimes):
            get_series_span(
                EventContent(start=When(at=datetime(2026, 1, 1)), end=When(at=datetime(2026, 1, 2)))
            )

    def test_in_a_zone_that_nobody_knows_is_refused(self):
        start = When(at=datetime(2026, 1, 1, tzinfo=UTC), zone="Mars/Olympus")

        with pytest.raises(UnknownZone):
            parse_series(EventContent(start=start, end=start))


class TestTheSpanOfAnEvent:
    def test_of_a_single_one_is_from_start_to_end(self):
        found = get_series_span(event("2026-07-01 09:00"))

        assert found == (utc("2026-07-01T07:00"), utc("2026-07-01T08:00"))

    def test_of_days_is_what_anybody_on_earth_may_see(self):
        found = get_series_span(event("2026-07-01", "2026-07-03"))

        assert found == (utc("2026-06-30T10:00"), utc("2026-07-03T12:00"))

    def test_of_a_series_without_end_has_none(self):
        assert get_series_span(event("2026-07-01 09:00", "", "RRULE:FREQ=SECONDLY"))[1] is None
        assert (
            get_series_span(event("2026-07-01", "", "RRULE:FREQ=DAILY;UNTIL=99991231"))[1] is None
        )

    @pytest.mark.parametrize(
        ("lines", "end"),
        [
            (("RRULE:FREQ=DAILY;COUNT=1",), "2026-03-28T09:00"),
            (("RRULE:FREQ=DAILY;COUNT=3",), "2026-03-30T08:00"),
            (("RRULE:FREQ=WEEKLY;BYDAY=SA,SU;COUNT=4",), "2026-04-05T08:00"),
            (("RRULE:FREQ=DAILY;UNTIL=20260330T070000Z",), "2026-03-30T08:00"),
            (("RRULE:FREQ=SECONDLY;COUNT=1000000",), "2026-04-08T21:46:39"),
            (("RDATE:20270101T080000Z",), "2027-01-01T09:00"),
        ],
    )
    def test_of_a_series_ends_with_its_last(self, lines, end):
        # Clocks are put forward on the second day.
        found = get_series_span(event("2026-03-28 09:00", "", *lines))

        assert found == (utc("2026-03-28T08:00"), utc(end))

    def test_begins_with_the_first_even_if_that_was_added(self):
        found = get_series_span(event("2026-03-28 09:00", "", "RDATE:20260101T080000Z"))

        assert found == (utc("2026-01-01T08:00"), utc("2026-03-28T09:00"))

    def test_of_a_million_is_known_without_walking_through_them(self):
        work = RecurrenceWorkBudget(10)

        found = get_series_span(
            event("2026-01-01 09:00", "", "RRULE:FREQ=SECONDLY;COUNT=1000000"), work
        )

        assert found[1] - found[0] == timedelta(seconds=999_999, hours=1)
        assert work.left == 10

    def test_counts_a_start_that_its_rule_does_not_make(self):
        # A Thursday.
        series = parse_series(event("2026-01-01", "", "RRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=3"))

        found = series.list_starts(
            date(2026, 1, 1), date(2027, 1, 1), RecurrenceWorkBudget(1_000), most=10
        )

        assert found == [date(2026, 1, 1), date(2026, 1, 5), date(2026, 1, 12)]

    @given(
        days=st.lists(st.sampled_from(WEEKDAYS), min_size=1, max_size=7, unique=True),
        interval=st.integers(1, 3),
        count=st.integers(1, 60),
        week_start=st.sampled_from(["MO", "SU", "TH"]),
        day=st.integers(1, 28),
    )
    def test_of_weeks_is_known_by_arithmetic(self, days, interval, count, week_start, day):
        text = f"FREQ=WEEKLY;INTERVAL={interval};WKST={week_start};BYDAY={','.join(days)}"
        content = event(f"2026-02-{day:02}", "", f"RRULE:{text};COUNT={count}")
        first = datetime(2026, 2, day)
        walked = [first] + [
            clock for clock in islice(rrulestr(text, dtstart=first), count) if clock != first
        ]

        series = parse_series(content, RecurrenceWorkBudget(60))

        assert series.last_start() == walked[count - 1].date()
