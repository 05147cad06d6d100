"""When several people could meet."""

from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.formats import timezones
from integrations.formats.recurrence import meeting_slots, time_intervals
from integrations.formats.recurrence.meeting_slots import (
    BadMeetingSearch,
    MeetingPerson,
    MeetingRequest,
    WeeklyHours,
)
from integrations.formats.recurrence.recurrence_expansion import make_time_window
from tests.integrations.formats.recurrence.samples import BERLIN, between, utc

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
# A Monday.
DAY = between("2026-06-01", "2026-06-02")
OFFICE = WeeklyHours(BERLIN, {day: [(time(9), time(12)), (time(13), time(17))] for day in range(5)})
MEETING = MeetingRequest(duration=HOUR, step=HOUR)


def at(text):
    return timezones.to_utc(datetime.fromisoformat(text), timezones.get_zone(BERLIN))


def shown(found):
    return [f"{start.astimezone(timezones.get_zone(BERLIN)):%d %H:%M}" for start, _ in found]


class TestASlot:
    def test_lies_in_everybodys_hours(self):
        alice = MeetingPerson((), OFFICE)
        bob = MeetingPerson((), WeeklyHours("America/New_York", {0: [(time(8), time(16))]}))

        # Eight there is two here.
        assert shown(meeting_slots.find_slots(MEETING, [alice, bob], DAY)) == [
            "01 14:00",
            "01 15:00",
            "01 16:00",
        ]

    def test_leaves_alone_what_anybody_has(self):
        alice = MeetingPerson([(at("2026-06-01 09:30"), at("2026-06-01 11:00"))], OFFICE)
        bob = MeetingPerson([(at("2026-06-01 13:00"), at("2026-06-01 16:00"))])

        assert shown(meeting_slots.find_slots(MEETING, [alice, bob], DAY)) == [
            "01 11:00",
            "01 16:00",
        ]

    def test_leaves_time_to_get_there_and_back_also_outside_of_hours(self):
        alice = MeetingPerson(
            [
                (at("2026-06-01 08:00"), at("2026-06-01 09:00")),
                (at("2026-06-01 17:00"), at("2026-06-01 18:00")),
            ],
            OFFICE,
        )
        meeting = replace(MEETING, step=30 * MINUTE, before=30 * MINUTE, after=15 * MINUTE)

        found = shown(meeting_slots.find_slots(meeting, [alice], DAY))

        assert (found[0], found[-1]) == ("01 09:30", "01 15:30")

    @pytest.mark.scenario("C8")
    def test_is_not_offered_where_nobody_can_tell(self):
        assert (
            meeting_slots.find_slots(MEETING, [MeetingPerson(()), MeetingPerson(None)], DAY) == ()
        )

    def test_is_found_in_the_hours_of_a_night(self):
        night = MeetingPerson((), WeeklyHours(BERLIN, {6: [(time(22), time(2))]}))

        # Sunday's reach into Monday.
        assert shown(meeting_slots.find_slots(MEETING, [night], DAY)) == ["01 00:00", "01 01:00"]

    def test_is_found_around_the_clock(self):
        always = MeetingPerson((), WeeklyHours(BERLIN, {0: [(time(), time())]}))

        assert len(meeting_slots.find_slots(MEETING, [always], DAY)) == 24

    def test_is_not_repeated_past_what_is_asked_for(self):
        assert (
            len(
                meeting_slots.find_slots(
                    replace(MEETING, step=MINUTE, most=7), [MeetingPerson(())], DAY
                )
            )
            == 7
        )

    @pytest.mark.scenario("C4")
    @pytest.mark.parametrize(
        ("zone", "day", "begins"),
        [
            (BERLIN, "2026-03-29", ["00", "01", "03", "04"]),
            (BERLIN, "2026-10-25", ["00", "01", "02", "02", "03"]),
            ("Asia/Kathmandu", "2026-03-29", ["00", "01", "02", "03"]),
            # Half an hour is skipped at two: until then and from then, hours are whole.
            ("Australia/Lord_Howe", "2026-10-04", ["00", "01", "03", "04"]),
        ],
    )
    def test_begins_on_the_hour_of_the_clocks_there(self, zone, day, begins):
        place = timezones.get_zone(zone)
        start = timezones.to_utc(datetime.fromisoformat(day), place)
        seen = make_time_window(start, start + 6 * HOUR, zone=zone)

        found = [
            timezones.to_local_time(each, place)
            for each, _ in meeting_slots.find_slots(MEETING, [MeetingPerson(())], seen)
        ]

        assert {each.minute for each in found} == {0}
        assert [f"{each:%H}" for each in found][: len(begins)] == begins

    @given(
        taken=st.lists(st.tuples(st.integers(0, 2_000), st.integers(0, 300)), max_size=8),
        lengths=st.tuples(*[st.integers(1, 120)] * 2, *[st.integers(0, 90)] * 2),
        works=st.booleans(),
    )
    def test_never_touches_what_is_taken_and_never_leaves_the_hours(self, taken, lengths, works):
        duration, step, before, after = (minutes * MINUTE for minutes in lengths)
        begin = DAY.start - timedelta(hours=5)
        busy = time_intervals.merge_spans(
            (begin + start * MINUTE, begin + (start + length) * MINUTE) for start, length in taken
        )
        meeting = MeetingRequest(duration=duration, step=step, before=before, after=after, most=500)
        person = MeetingPerson(busy, OFFICE if works else None)

        found = meeting_slots.find_slots(meeting, [person], DAY)

        expected = []
        clock = DAY.start
        while clock + duration <= DAY.end:
            wanted = (clock - before, clock + duration + after)
            is_free = not any(start < wanted[1] and end > wanted[0] for start, end in busy)
            if is_free and (not works or _in_office(clock, clock + duration)):
                expected.append((clock, clock + duration))
            clock += step
        assert list(found) == expected[:500]


def _in_office(start, end):
    open_ = [
        (at(f"2026-06-01 {a}:00"), at(f"2026-06-01 {b}:00")) for a, b in (("09", 12), (13, 17))
    ]
    return any(first <= start and end <= last for first, last in open_)


class TestSlotSearch:
    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"duration": timedelta()}, "duration"),
            ({"duration": timedelta(days=2)}, "duration"),
            ({"step": timedelta()}, "step"),
            ({"before": -MINUTE}, "before"),
            ({"after": timedelta(days=2)}, "after"),
            ({"most": 0}, "most"),
            ({"most": 10_000}, "most"),
        ],
    )
    def test_for_no_meeting_names_what_is_wrong(self, change, field):
        with pytest.raises(BadMeetingSearch) as caught:
            meeting_slots.find_slots(replace(MEETING, **change), [MeetingPerson(())], DAY)

        assert caught.value.field == field

    def test_is_bounded_by_days_people_and_hours(self):
        year = make_time_window(utc("2026-01-01"), utc("2027-01-01"), zone=BERLIN)
        busy_week = WeeklyHours(BERLIN, {0: [(time(9), time(10))] * 101})

        for people, seen, field in (
            ([MeetingPerson(())], year, "window"),
            ([], DAY, "people"),
            ([MeetingPerson(())] * 101, DAY, "people"),
            ([MeetingPerson((), busy_week)], DAY, "hours"),
        ):
            with pytest.raises(BadMeetingSearch) as caught:
                meeting_slots.find_slots(MEETING, people, seen)
            assert caught.value.field == field

    def test_in_hours_of_no_zone_is_refused(self):
        with pytest.raises(timezones.UnknownZone):
            meeting_slots.find_slots(
                MEETING, [MeetingPerson((), WeeklyHours("Mars/Olympus", {}))], DAY
            )


hours_of_the_day = st.lists(
    st.tuples(st.integers(0, 23), st.integers(1, 6)).map(
        lambda one: (
            utc("2026-06-01T00:00") + one[0] * HOUR,
            utc("2026-06-01T00:00") + sum(one) * HOUR,
        )
    ),
    max_size=8,
)


class TestWhoeverElseMayCome:
    @given(
        taken=hours_of_the_day,
        others=hours_of_the_day,
        before=st.integers(0, 90),
        after=st.integers(0, 90),
        has_hours=st.booleans(),
    )
    def test_can_come_to_what_would_be_found_with_them(
        self, taken, others, before, after, has_hours
    ):
        meeting = replace(
            MEETING, step=30 * MINUTE, before=before * MINUTE, after=after * MINUTE, most=500
        )
        alice = MeetingPerson(time_intervals.merge_spans(taken))
        bob = MeetingPerson(time_intervals.merge_spans(others), OFFICE if has_hours else None)
        found = meeting_slots.find_slots(meeting, [alice], DAY)

        fits = meeting_slots.filter_slots(found, meeting, bob, DAY)

        assert fits == set(meeting_slots.find_slots(meeting, [alice, bob], DAY))

    @pytest.mark.scenario("C8")
    def test_cannot_where_nobody_can_tell(self):
        found = meeting_slots.find_slots(MEETING, [MeetingPerson(())], DAY)

        assert meeting_slots.filter_slots(found, MEETING, MeetingPerson(None), DAY) == frozenset()
