"""Occurrences in a window: on the clock of the series, with what was changed and cancelled."""

from datetime import date, datetime, timedelta

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given
from hypothesis import strategies as st

from integrations.formats import timezones
from integrations.formats.event_content import EventContent, When
from integrations.formats.recurrence.recurrence_expansion import (
    MAX_OCCURRENCES,
    BadTimeWindow,
    expand_event,
    make_time_window,
    to_utc_times,
)
from integrations.formats.recurrence.rrule_iter import RecurrenceWorkBudget, TooManyOccurrences
from integrations.formats.recurrence.series import to_start_key
from tests.integrations.formats.recurrence.samples import (
    BERLIN,
    between,
    event,
    format_when,
    spans,
    starts,
    utc,
    when,
)

LORD_HOWE = "Australia/Lord_Howe"
KATHMANDU = "Asia/Kathmandu"
WEEK = between("2026-06-01", "2026-06-08")


class TestAWindow:
    @pytest.mark.parametrize(
        ("first", "last", "is_seen"),
        [
            ("2026-05-31 23:00", "2026-06-01 00:00", False),
            ("2026-05-31 23:00", "2026-06-01 00:01", True),
            ("2026-05-01 00:00", "2026-07-01 00:00", True),
            ("2026-06-07 23:59", "2026-06-08 01:00", True),
            ("2026-06-08 00:00", "2026-06-08 01:00", False),
            ("2026-06-01 00:00", "2026-06-01 00:00", True),
            ("2026-06-08 00:00", "2026-06-08 00:00", False),
            ("2026-05-31", "2026-06-01", False),
            ("2026-05-31", "2026-06-02", True),
            ("2026-06-07", "2026-06-08", True),
            ("2026-06-08", "2026-06-09", False),
        ],
    )
    @pytest.mark.parametrize("lines", [(), ("RRULE:FREQ=YEARLY",)])
    def test_has_what_touches_it_and_not_what_only_borders(self, first, last, is_seen, lines):
        assert bool(expand_event(event(first, last, *lines), WEEK)) is is_seen

    def test_has_days_as_they_are_where_it_is_looked_at(self):
        # While it is the last of May in Los Angeles, it is June in Berlin.
        day = event("2026-06-01")
        moment = utc("2026-05-31T23:00"), utc("2026-06-01T00:00")

        assert expand_event(day, make_time_window(*moment, zone=BERLIN))
        assert not expand_event(day, make_time_window(*moment, zone="America/Los_Angeles"))

    @pytest.mark.parametrize(
        ("first", "last"),
        [("2026-06-02", "2026-06-01"), ("0001-01-01", "2026-06-01"), ("2026-06-01", "9999-12-31")],
    )
    def test_that_is_none_is_refused(self, first, last):
        with pytest.raises(BadTimeWindow):
            make_time_window(utc(first), utc(last), zone="UTC")

    def test_of_no_zone_is_refused(self):
        with pytest.raises(timezones.UnknownZone):
            make_time_window(utc("2026-06-01"), utc("2026-06-02"), zone="Mars/Olympus")


@pytest.mark.scenario("C4")
class TestASeriesOverAChangeOfClocks:
    def test_stays_at_nine_in_the_morning(self):
        meeting = event("2026-03-23 09:00", "", "RRULE:FREQ=WEEKLY")

        assert starts(meeting, between("2026-03-01", "2026-04-10")) == [
            "2026-03-23 09:00 +0100",
            "2026-03-30 09:00 +0200",
            "2026-04-06 09:00 +0200",
        ]

    def test_is_an_hour_later_on_the_day_that_skips_its_time(self):
        backup = event("2026-03-28 02:30", "", "RRULE:FREQ=DAILY")

        assert spans(backup, between("2026-03-28", "2026-03-31")) == [
            "2026-03-28 02:30 +0100 - 2026-03-28 03:30 +0100",
            "2026-03-29 03:30 +0200 - 2026-03-29 04:30 +0200",
            "2026-03-30 02:30 +0200 - 2026-03-30 03:30 +0200",
        ]

    def test_happens_once_on_the_day_that_shows_its_time_twice(self):
        backup = event("2026-10-24 02:30", "", "RRULE:FREQ=DAILY;COUNT=3")

        assert starts(backup, between("2026-10-20", "2026-11-01")) == [
            "2026-10-24 02:30 +0200",
            "2026-10-25 02:30 +0200",
            "2026-10-26 02:30 +0100",
        ]

    def test_begins_with_the_second_of_two_where_it_was_made_then(self):
        second = When(at=utc("2026-10-25T01:30"), zone=BERLIN)
        end = When(at=utc("2026-10-25T02:00"), zone=BERLIN)
        backup = EventContent(start=second, end=end, recurrence=("RRULE:FREQ=DAILY",))

        assert starts(backup, between("2026-10-20", "2026-10-27")) == [
            "2026-10-25 02:30 +0100",
            "2026-10-26 02:30 +0100",
        ]

    def test_does_not_repeat_an_hour_that_two_clock_times_stand_for(self):
        hourly = event("2026-03-29 00:00", "", "RRULE:FREQ=HOURLY")

        found = starts(hourly, between("2026-03-29 00:00", "2026-03-29 05:00"))

        assert [each[11:16] for each in found] == ["00:00", "01:00", "03:00", "04:00"]

    def test_of_days_keeps_its_days(self):
        trip = event("2026-03-28", "2026-03-30", "RRULE:FREQ=WEEKLY;COUNT=2")

        assert spans(trip, between("2026-03-20", "2026-04-30")) == [
            "2026-03-28 - 2026-03-30",
            "2026-04-04 - 2026-04-06",
        ]

    def test_takes_a_day_that_is_an_hour_short(self):
        start, end = to_utc_times(date(2026, 3, 29), date(2026, 3, 30), timezones.get_zone(BERLIN))

        assert end - start == timedelta(hours=23)

    def test_moves_by_half_an_hour_on_lord_howe(self):
        tide = event("2026-10-03 02:15", "", "RRULE:FREQ=DAILY", zone=LORD_HOWE)

        assert starts(tide, between("2026-10-03", "2026-10-06", LORD_HOWE)) == [
            "2026-10-03 02:15 +1030",
            "2026-10-04 02:45 +1100",
            "2026-10-05 02:15 +1100",
        ]

    def test_is_a_quarter_off_in_kathmandu(self):
        tea = event("2026-01-01 09:00", "", "RRULE:FREQ=DAILY;COUNT=2", zone=KATHMANDU)

        found = expand_event(tea, between("2026-01-01", "2026-01-02", "UTC"))

        assert [each.start.at for each in found] == [utc("2026-01-01T03:15")]

    def test_ends_with_the_day_that_it_is_said_to_end_on(self):
        for until in ("20260330", "20260330T070000Z", "20260330T090000"):
            meeting = event("2026-03-28 09:00", "", f"RRULE:FREQ=DAILY;UNTIL={until}")

            assert len(starts(meeting, between("2026-03-01", "2026-05-01"))) == 3


class TestDatesOfASeries:
    def test_are_added_and_left_out_on_whichever_clock_they_are_written(self):
        meeting = event(
            "2026-06-01 09:00",
            "",
            "RRULE:FREQ=DAILY;COUNT=4",
            "EXDATE:20260602T070000Z",
            "EXDATE;TZID=America/New_York:20260603T030000",
            "RDATE;TZID=W. Europe Standard Time:20260605T100000",
            "RDATE:20260606T120000",
        )

        assert [each[5:16] for each in starts(meeting, WEEK)] == [
            "06-01 09:00",
            "06-04 09:00",
            "06-05 10:00",
            "06-06 12:00",
        ]

    def test_may_be_days_where_the_series_has_times_and_the_other_way_round(self):
        timed = event("2026-06-01 09:00", "", "RRULE:FREQ=DAILY;COUNT=2", "EXDATE:20260602")
        days = event("2026-06-01", "", "RRULE:FREQ=DAILY;COUNT=2", "EXDATE:20260602T000000Z")

        assert len(starts(timed, WEEK)) == len(starts(days, WEEK)) == 1

    def test_may_leave_out_the_first(self):
        meeting = event("2026-06-01", "", "RRULE:FREQ=DAILY;COUNT=2", "EXDATE:20260601")

        assert starts(meeting, WEEK) == ["2026-06-02"]


@pytest.mark.scenario("C6")
class TestOneInstanceOfASeries:
    daily = event("2026-05-01 09:00", "", "RRULE:FREQ=DAILY", title="daily")

    def change(self, original, *times):
        return {to_start_key(when(original)): event(*times, title="moved") if times else None}

    def titles(self, exceptions, seen=WEEK):
        found = expand_event(self.daily, seen, exceptions=exceptions)
        return sorted((format_when(each.start)[5:16], each.content.title) for each in found)

    def test_takes_the_place_of_what_the_series_would_show(self):
        moved = self.change("2026-06-02 09:00", "2026-06-02 15:00")

        found = self.titles(moved, between("2026-06-02", "2026-06-04"))

        assert found == [("06-02 15:00", "moved"), ("06-03 09:00", "daily")]

    def test_is_known_by_when_it_would_have_been(self):
        moved = self.change("2026-06-02 09:00", "2026-06-05 15:00")

        found = expand_event(self.daily, WEEK, exceptions=moved)

        assert {
            format_when(one.original_start) for one in found if one.content.title == "moved"
        } == {"2026-06-02 09:00 +0200"}

    def test_comes_in_from_outside_and_goes_out(self):
        moved = self.change("2026-05-20 09:00", "2026-06-01 15:00")
        moved |= self.change("2026-06-01 09:00", "2026-06-20 09:00")

        found = self.titles(moved, between("2026-06-01", "2026-06-02"))

        assert found == [("06-01 15:00", "moved")]

    @pytest.mark.scenario("D4")
    def test_that_was_cancelled_is_not_shown_until_it_is_restored(self):
        day = between("2026-06-01", "2026-06-02")

        assert self.titles(self.change("2026-06-01 09:00"), day) == []
        assert self.titles({}, day) == [("06-01 09:00", "daily")]

    def test_may_become_a_day_and_stay_where_the_series_has_left_it(self):
        ended = event("2026-05-01 09:00", "", "RRULE:FREQ=DAILY;COUNT=3")
        moved = self.change("2026-06-01 09:00", "2026-06-03")

        assert starts(ended, WEEK, exceptions=moved) == ["2026-06-03"]

    def test_of_days_is_known_by_its_day(self):
        days = event("2026-05-01", "", "RRULE:FREQ=DAILY")
        exceptions = self.change("2026-06-02") | self.change("2026-06-03", "2026-06-03 10:00")

        found = expand_event(days, between("2026-06-01", "2026-06-04"), exceptions=exceptions)

        assert sorted(format_when(each.start)[:16] for each in found) == [
            "2026-06-01",
            "2026-06-03 10:00",
        ]


class TestASeriesOfAMillion:
    def test_is_refused_where_all_of_it_would_have_to_be_shown(self):
        with pytest.raises(TooManyOccurrences):
            expand_event(event("2026-01-01 09:00", "", "RRULE:FREQ=SECONDLY"), WEEK)

    def test_is_not_walked_through_to_where_it_is_looked_at(self):
        every_second = event(
            "2026-01-01 00:00", "2026-01-01 00:00", "RRULE:FREQ=SECONDLY;INTERVAL=60"
        )
        far = make_time_window(utc("2526-01-01T00:00"), utc("2526-01-01T01:00"), zone="UTC")
        work = RecurrenceWorkBudget(10_000)

        assert len(expand_event(every_second, far, work=work)) == 60
        assert work.left > 1_000

    def test_costs_nothing_after_it_has_ended(self):
        ended = event("2026-01-01 09:00", "", "RRULE:FREQ=SECONDLY;COUNT=1000000")
        work = RecurrenceWorkBudget(10)

        assert expand_event(ended, WEEK, work=work) == []
        assert work.left == 10

    def test_that_never_happens_again_is_given_up(self):
        never = event("2026-01-01 09:00", "", "RRULE:FREQ=SECONDLY;BYMONTH=6;BYSETPOS=2")

        with pytest.raises(TooManyOccurrences):
            expand_event(never, WEEK)

    def test_leaves_some_for_the_next(self):
        work = RecurrenceWorkBudget(200_000)

        for _ in range(3):
            with pytest.raises(TooManyOccurrences):
                expand_event(event("2026-01-01 09:00", "", "RRULE:FREQ=SECONDLY"), WEEK, work=work)

        assert expand_event(event("2026-06-01 09:00", "", "RRULE:FREQ=DAILY"), WEEK, work=work)

    def test_is_seen_up_to_a_stated_number(self):
        hourly = event("2026-01-01 00:00", "", "RRULE:FREQ=HOURLY")
        place = utc("2026-02-01T00:00")

        assert expand_event(
            hourly,
            make_time_window(place, place + timedelta(hours=MAX_OCCURRENCES - 2), zone="UTC"),
        )
        with pytest.raises(TooManyOccurrences):
            expand_event(
                hourly,
                make_time_window(place, place + timedelta(hours=MAX_OCCURRENCES + 1), zone="UTC"),
            )


def naive(text, start, length, place, seen):
    """Walk from the start, and compare each with the window."""
    found = []
    for clock in rrulestr(text, dtstart=start):
        at = timezones.to_utc(clock, place)
        if at >= seen.end:
            return found
        if at + length > seen.start:
            found.append(at)
    return found


@given(
    freq=st.sampled_from(["DAILY", "WEEKLY", "MONTHLY;BYMONTHDAY=-1,1,15", "YEARLY;BYDAY=2SU"]),
    interval=st.integers(1, 3),
    end=st.none() | st.integers(1, 40),
    zone=st.sampled_from([BERLIN, LORD_HOWE, KATHMANDU, "America/St_Johns", "Pacific/Apia"]),
    start=st.datetimes(datetime(2023, 1, 1), datetime(2025, 12, 31)),
    seen_from=st.integers(-50, 900),
    seen_for=st.integers(1, 60),
    hours=st.integers(1, 60),
)
def test_an_expansion_is_what_walking_from_the_start_finds(  # noqa: PLR0917 - drawn one by one
    freq, interval, end, zone, start, seen_from, seen_for, hours
):
    start = start.replace(second=0, microsecond=0)
    place, length = timezones.get_zone(zone), timedelta(hours=hours)
    text = f"FREQ={freq};INTERVAL={interval}" + (f";COUNT={end}" if end else "")
    clock = next(iter(rrulestr(text, dtstart=start)))
    begins = timezones.to_utc(clock, place)
    seen = make_time_window(
        begins + timedelta(days=seen_from), begins + timedelta(days=seen_from + seen_for), zone=zone
    )
    content = EventContent(
        start=When(at=begins, zone=zone),
        end=When(at=begins + length, zone=zone),
        recurrence=(f"RRULE:{text}",),
    )

    found = sorted(each.start.at for each in expand_event(content, seen))

    # A clock time that does not exist is another time from then on; the series begins with that.
    expected = naive(text, timezones.to_local_time(begins, place), length, place, seen)
    assert found == sorted(set(expected))
