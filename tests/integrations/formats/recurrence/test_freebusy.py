"""When somebody is taken: merged, without words, and never free where nobody can tell."""

from dataclasses import fields, replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.formats.event_content import Attendee
from integrations.formats.recurrence import free_busy, time_intervals
from integrations.formats.recurrence.free_busy import UNKNOWN, BusyTimes
from integrations.formats.recurrence.recurrence_expansion import expand_event
from tests.integrations.formats.recurrence.samples import between, event, utc

HOUR = timedelta(hours=1)
BEGIN = utc("2026-06-01T00:00")
DAY = between("2026-06-01", "2026-06-02")


def hours(*pairs):
    return tuple((BEGIN + timedelta(hours=a), BEGIN + timedelta(hours=b)) for a, b in pairs)


pairs = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=12)


def covered(spans):
    """The hours that they cover, one by one."""
    found = set()
    for start, end in spans:
        found |= {start + n * HOUR for n in range((end - start) // HOUR)}
    return found


class TestIntervals:
    @given(pairs)
    def test_are_in_order_and_apart_once_they_are_merged(self, some):
        found = time_intervals.merge_spans(hours(*some))

        assert covered(found) == covered(hours(*some))
        assert all(start < end for start, end in found)
        assert all(one[1] < other[0] for one, other in pairwise(found))

    @given(pairs, pairs)
    def test_are_taken_out_of_others_and_kept_with_others(self, some, others):
        left, right = (
            time_intervals.merge_spans(hours(*some)),
            time_intervals.merge_spans(hours(*others)),
        )

        rest, both = (
            time_intervals.subtract_spans(left, right),
            time_intervals.intersect_spans(left, right),
        )

        assert covered(rest) == covered(left) - covered(right)
        assert covered(both) == covered(left) & covered(right)
        assert (rest, both) == (time_intervals.merge_spans(rest), time_intervals.merge_spans(both))

    @given(pairs, st.tuples(st.integers(0, 40), st.integers(0, 40)))
    def test_are_cut_to_what_is_looked_at(self, some, window):
        (seen,) = hours(window)

        found = time_intervals.clip_spans(time_intervals.merge_spans(hours(*some)), *seen)

        assert covered(found) == covered(hours(*some)) & covered([seen])


class TestSomebody:
    def taken(self, *events):
        occurrences = [each for one in events for each in expand_event(one, DAY)]
        return free_busy.compute_busy_times(occurrences, DAY)

    def test_is_busy_from_the_first_of_what_overlaps_to_the_last(self):
        found = self.taken(
            event("2026-06-01 09:00", "2026-06-01 10:00"),
            event("2026-06-01 09:30", "2026-06-01 11:00"),
            event("2026-06-01 11:00", "2026-06-01 12:00"),
            event("2026-06-01 14:00", "2026-06-01 14:00"),
        )

        assert found == BusyTimes(((utc("2026-06-01T07:00"), utc("2026-06-01T10:00")),))

    @pytest.mark.parametrize(
        ("change", "weight"),
        [
            ({}, "busy"),
            ({"is_busy": False}, "free"),
            ({"is_tentative": True}, "tentative"),
            ({"attendees": (Attendee("a@x.example", response="declined", is_self=True),)}, "free"),
            ({"attendees": (Attendee("a@x.example", is_self=True),)}, "tentative"),
            ({"attendees": (Attendee("a@x.example", response="accepted", is_self=True),)}, "busy"),
            # Somebody else's answer.
            ({"attendees": (Attendee("b@x.example", response="declined"),)}, "busy"),
        ],
    )
    def test_is_taken_as_the_event_and_their_answer_say(self, change, weight):
        assert free_busy.get_weight(replace(event("2026-06-01 09:00"), **change)) == weight

    def test_may_be_busy_only_where_they_are_not_for_certain(self):
        found = self.taken(
            event("2026-06-01 09:00", "2026-06-01 12:00", is_tentative=True),
            event("2026-06-01 10:00", "2026-06-01 11:00"),
        )

        assert found.busy == ((utc("2026-06-01T08:00"), utc("2026-06-01T09:00")),)
        assert found.tentative == (
            (utc("2026-06-01T07:00"), utc("2026-06-01T08:00")),
            (utc("2026-06-01T09:00"), utc("2026-06-01T10:00")),
        )
        assert found.all_busy == ((utc("2026-06-01T07:00"), utc("2026-06-01T10:00")),)

    @pytest.mark.scenario("C4")
    def test_is_busy_on_a_day_as_clocks_there_show_it(self):
        short_day = between("2026-03-29", "2026-03-30")
        occurrences = expand_event(event("2026-03-28", "2026-04-01"), short_day)

        found = free_busy.compute_busy_times(occurrences, short_day)

        assert found.busy == ((utc("2026-03-28T23:00"), utc("2026-03-29T22:00")),)

    @pytest.mark.scenario("C7")
    def test_is_known_by_times_without_a_word(self):
        found = self.taken(event("2026-06-01 09:00", title="canary", description="canary"))

        assert {field.name for field in fields(found)} == {"busy", "tentative"}
        assert "canary" not in repr(found)

    @pytest.mark.scenario("C8")
    def test_is_unknown_as_soon_as_one_calendar_is(self):
        known = BusyTimes(hours((9, 10)))

        assert free_busy.combine_busy_times([known, UNKNOWN]) == UNKNOWN
        assert UNKNOWN.all_busy is None

    def test_has_several_calendars_as_one(self):
        work = BusyTimes(hours((9, 11)), hours((14, 15)))
        home = BusyTimes(hours((11, 12)), hours((10, 13)))

        assert free_busy.combine_busy_times([work, home]) == BusyTimes(
            hours((9, 12)), hours((12, 13), (14, 15))
        )
