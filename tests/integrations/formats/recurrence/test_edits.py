"""What becomes of a series that is edited: this one, this and following, or all."""

from dataclasses import replace
from datetime import timedelta
from itertools import cycle

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from integrations.formats.event_content import When
from integrations.formats.recurrence import recurrence_expansion, rrule, series_edits
from integrations.formats.recurrence.recurrence_expansion import expand_event
from integrations.formats.recurrence.recurrence_parser import BadSeries
from integrations.formats.recurrence.rrule import FREQUENCIES
from integrations.formats.recurrence.rrule_iter import TooManyOccurrences
from integrations.formats.recurrence.series import BadEventTimes, to_start_key
from integrations.formats.recurrence.series_edits import NoSuchInstance, SeriesWithExceptions
from integrations.formats.recurrence.series_split import NewRecurrenceRuleNeeded
from tests.integrations.formats.recurrence.samples import (
    BERLIN,
    between,
    event,
    format_when,
    sorted_,
    starts,
    utc,
    when,
)
from tests.integrations.formats.recurrence.test_rules import rule_texts

YEAR = between("2026-01-01", "2027-01-01")


def series(start, *lines, **exceptions):
    return SeriesWithExceptions(event(start, "", *lines, title="old"), exceptions)


def at(text, zone=BERLIN):
    return to_start_key(when(text, zone))


def list_seen(*wholes, window=YEAR):
    found = []
    for whole in wholes:
        found += expand_event(whole.content, window, exceptions=whole.exceptions)
    return [
        f"{format_when(each.start)[:16]} {each.content.title}".strip() for each in sorted_(found)
    ]


WEEKLY = SeriesWithExceptions(
    event("2026-06-01 09:00", "", "RRULE:FREQ=WEEKLY;COUNT=4", title="old"),
    {
        at("2026-06-15 09:00"): event("2026-06-16 11:00", title="moved"),
        at("2026-06-22 09:00"): None,
    },
)


class TestThisOne:
    def test_is_changed_alone(self):
        whole = series_edits.change_one_occurrence(
            WEEKLY, at("2026-06-08 09:00"), event("2026-06-09 10:00", title="new")
        )

        assert list_seen(whole) == [
            "2026-06-01 09:00 old",
            "2026-06-09 10:00 new",
            "2026-06-16 11:00 moved",
        ]

    def test_is_cancelled_alone(self):
        whole = series_edits.cancel_one_occurrence(WEEKLY, at("2026-06-15 09:00"))

        assert list_seen(whole) == ["2026-06-01 09:00 old", "2026-06-08 09:00 old"]

    def test_is_restored_by_a_change(self):
        whole = series_edits.change_one_occurrence(
            WEEKLY, at("2026-06-22 09:00"), event("2026-06-22 09:00", title="back")
        )

        assert list_seen(whole)[-1] == "2026-06-22 09:00 back"

    @pytest.mark.parametrize("original", ["2026-06-08 10:00", "2026-06-29 09:00", "2026-06-08"])
    def test_is_not_one_that_the_series_does_not_have(self, original):
        with pytest.raises(NoSuchInstance):
            series_edits.cancel_one_occurrence(WEEKLY, at(original))

    def test_is_not_to_end_before_it_starts(self):
        with pytest.raises(BadEventTimes):
            series_edits.change_one_occurrence(
                WEEKLY, at("2026-06-08 09:00"), event("2026-06-08", "2026-06-07")
            )


class TestThisAndFollowing:
    def test_begin_a_series_of_their_own_with_what_is_left_to_count(self):
        head, tail = series_edits.change_following(
            WEEKLY, at("2026-06-08 09:00"), event("2026-06-08 09:00", title="new")
        )

        assert head.content.recurrence == ("RRULE:FREQ=WEEKLY;UNTIL=20260608T065959Z",)
        assert tail.content.recurrence == ("RRULE:FREQ=WEEKLY;COUNT=3",)
        assert list_seen(head) == ["2026-06-01 09:00 old"]
        assert list_seen(tail) == ["2026-06-08 09:00 new", "2026-06-16 11:00 moved"]

    def test_take_exceptions_along_by_as_much_as_they_are_moved(self):
        _, tail = series_edits.change_following(
            WEEKLY, at("2026-06-08 09:00"), event("2026-06-09 14:00", title="new")
        )

        assert set(tail.exceptions) == {at("2026-06-16 14:00"), at("2026-06-23 14:00")}
        assert list_seen(tail) == ["2026-06-09 14:00 new", "2026-06-16 11:00 moved"]

    def test_drop_exceptions_of_what_does_not_happen_any_more(self):
        head, tail = series_edits.change_following(
            WEEKLY,
            at("2026-06-08 09:00"),
            event("2026-06-08 09:00", title="new"),
            lines=("RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=2",),
        )

        assert list_seen(tail) == ["2026-06-08 09:00 new"]
        assert list(tail.exceptions) == [at("2026-06-22 09:00")]
        assert head.exceptions == {}

    def test_are_all_of_it_from_the_first(self):
        (only,) = series_edits.change_following(
            WEEKLY, at("2026-06-01 09:00"), event("2026-06-01 10:00", title="new")
        )

        assert list_seen(only) == [
            "2026-06-01 10:00 new",
            "2026-06-08 10:00 new",
            "2026-06-16 11:00 moved",
        ]

    def test_may_become_one_event_or_days(self):
        _, tail = series_edits.change_following(
            WEEKLY, at("2026-06-08 09:00"), event("2026-06-08", title="new"), lines=()
        )
        _, days = series_edits.change_following(
            WEEKLY, at("2026-06-08 09:00"), event("2026-06-09", title="new")
        )

        assert list_seen(tail) == ["2026-06-08 new"]
        assert list(days.exceptions) == [at("2026-06-16"), at("2026-06-23")]
        assert list_seen(days) == ["2026-06-09 new", "2026-06-16 11:00 moved"]

    def test_are_deleted_with_their_exceptions(self):
        head = series_edits.cancel_following(WEEKLY, at("2026-06-08 09:00"))

        assert (list_seen(head), head.exceptions) == (["2026-06-01 09:00 old"], {})
        assert series_edits.cancel_following(WEEKLY, at("2026-06-01 09:00")) is None

    @pytest.mark.scenario("C4")
    def test_keep_their_time_when_they_begin_on_the_day_that_skips_it(self):
        backup = series("2026-03-27 02:30", "RRULE:FREQ=DAILY;COUNT=5")

        head, tail = series_edits.change_following(
            backup, at("2026-03-29 02:30"), replace(event("2026-03-29 02:30"), title="new")
        )

        assert list_seen(head, tail) == [
            "2026-03-27 02:30 old",
            "2026-03-28 02:30 old",
            "2026-03-29 03:30 new",
            "2026-03-30 02:30 new",
            "2026-03-31 02:30 new",
        ]

    def test_cannot_go_on_by_a_rule_that_they_are_not_in_line_with(self):
        added = series("2026-06-01 09:00", "RRULE:FREQ=WEEKLY;INTERVAL=2", "RDATE:20260608T070000Z")

        with pytest.raises(NewRecurrenceRuleNeeded):
            series_edits.change_following(added, at("2026-06-08 09:00"), event("2026-06-08 09:00"))

    def test_are_refused_with_a_rule_that_is_none(self):
        with pytest.raises(BadSeries):
            series_edits.change_following(
                WEEKLY,
                at("2026-06-08 09:00"),
                event("2026-06-08 09:00"),
                lines=("RRULE:FREQ=NEVER",),
            )

    @given(
        text=rule_texts(),
        bound=st.sampled_from(["", ";COUNT=9", ";UNTIL=20260420T103000Z"]),
        start=st.sampled_from(["2026-03-28 02:30", "2026-10-24 02:30", "2026-02-28"]),
        place=st.integers(1, 8),
        marks=st.sets(st.integers(0, 8), max_size=4),
    )
    @example("FREQ=DAILY", ";COUNT=9", "2026-03-28 02:30", 1, {0, 3})
    @example("FREQ=DAILY;BYDAY=SU,TU", ";COUNT=9", "2026-03-28 02:30", 1, {2, 3})
    @example("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SA", "", "2026-02-28", 4, {1, 5})
    @example("FREQ=DAILY;INTERVAL=1;BYHOUR=0,2,3", ";COUNT=9", "2026-03-28 02:30", 3, set())
    def test_are_together_with_the_rest_what_was_before(self, text, bound, start, place, marks):
        content = event(start, "", f"RRULE:{text}{bound}")
        first = utc(f"{start[:10]}T00:00")
        is_dense = text[5:].startswith(FREQUENCIES[:3])
        window = recurrence_expansion.make_time_window(
            first, first + timedelta(days=2 if is_dense else 900), zone=BERLIN
        )
        try:
            found = sorted_(expand_event(content, window))
        except (BadSeries, TooManyOccurrences):
            found = []
        assume(len(found) > 1)
        place = min(place, len(found) - 1)
        originals = [to_start_key(each.start) for each in found]
        marked = {originals[mark] for mark in marks if mark < len(found)} - {originals[place]}
        moved = event(start, is_busy=False)
        whole = SeriesWithExceptions(content, dict(zip(sorted(marked), cycle([moved, None]))))
        split = found[place]

        try:
            head, tail = series_edits.change_following(
                whole, originals[place], replace(content, start=split.start, end=split.end)
            )
        except NewRecurrenceRuleNeeded:
            # On the day that skips the time of a rule of hours.
            assert is_dense or "BYHOUR" in text or "BYMINUTE" in text
            return

        assert list_seen(head, tail, window=window) == list_seen(whole, window=window)
        assert all(
            to_start_key(each.start) < originals[place]
            for each in expand_event(head.content, window)
        )
        assert len(head.exceptions) + len(tail.exceptions) == len(marked)


class TestAllOfThem:
    def test_move_by_as_much_as_one_and_stay_at_their_hour(self):
        winter = series("2026-03-23 09:00", "RRULE:FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20260401T070000Z")

        whole = series_edits.change_all_occurrences(
            winter,
            at("2026-03-30 09:00"),
            event("2026-03-31 10:00", "2026-03-31 12:00", title="new"),
        )

        assert list_seen(whole) == [
            "2026-03-24 10:00 new",
            "2026-03-26 10:00 new",
            "2026-03-31 10:00 new",
            "2026-04-02 10:00 new",
        ]
        assert whole.content.end.at - whole.content.start.at == timedelta(hours=2)

    def test_keep_the_weeks_of_a_fortnight_together(self):
        fortnight = series("2026-06-06 09:00", "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=SA,SU")

        whole = series_edits.change_all_occurrences(
            fortnight, at("2026-06-06 09:00"), event("2026-06-07 09:00")
        )

        assert list_seen(whole)[:4] == [
            "2026-06-07 09:00",
            "2026-06-08 09:00",
            "2026-06-21 09:00",
            "2026-06-22 09:00",
        ]

    def test_keep_what_was_changed_and_cancelled_where_only_words_change(self):
        whole = series_edits.change_all_occurrences(
            WEEKLY, at("2026-06-08 09:00"), event("2026-06-08 09:00", title="new")
        )

        assert whole.content.recurrence == WEEKLY.content.recurrence
        assert whole.exceptions == WEEKLY.exceptions
        assert whole.content.start == WEEKLY.content.start

    def test_move_their_dates_and_exceptions_along(self):
        dates = SeriesWithExceptions(
            event(
                "2026-06-01 09:00",
                "",
                "RRULE:FREQ=DAILY;COUNT=4",
                "EXDATE:20260602T070000Z",
                "EXDATE;VALUE=DATE:20260603",
                "RDATE:20260610T120000Z",
            ),
            {at("2026-06-04 09:00"): None},
        )

        whole = series_edits.change_all_occurrences(
            dates, at("2026-06-01 09:00"), event("2026-06-02 08:00")
        )

        assert list_seen(whole) == ["2026-06-02 08:00", "2026-06-11 13:00"]

    def test_move_to_another_zone_and_count_on_its_clocks(self):
        meeting = series("2026-03-01 09:00", "RRULE:FREQ=WEEKLY;COUNT=3")
        edited = event("2026-03-01 09:00", zone="America/New_York")

        whole = series_edits.change_all_occurrences(meeting, at("2026-03-01 09:00"), edited)

        # Clocks there are put forward on the second day.
        assert starts(whole.content, YEAR) == [
            "2026-03-01 09:00 -0500",
            "2026-03-08 09:00 -0400",
            "2026-03-15 09:00 -0400",
        ]

    @pytest.mark.parametrize(
        ("rule", "to"),
        [
            ("FREQ=MONTHLY;BYDAY=1MO", "2026-06-02 09:00"),
            ("FREQ=MONTHLY;BYMONTHDAY=1", "2026-06-02 09:00"),
            ("FREQ=YEARLY;BYMONTH=6", "2026-06-02 09:00"),
            ("FREQ=DAILY;BYDAY=MO,TU", "2026-06-02 09:00"),
            ("FREQ=DAILY;BYHOUR=9,15", "2026-06-01 10:00"),
            ("FREQ=HOURLY;BYDAY=MO", "2026-06-01 09:30"),
        ],
    )
    def test_need_a_rule_where_the_old_one_would_be_a_guess(self, rule, to):
        whole = series("2026-06-01 09:00", f"RRULE:{rule}")

        with pytest.raises(NewRecurrenceRuleNeeded):
            series_edits.change_all_occurrences(whole, at("2026-06-01 09:00"), event(to))
        series_edits.change_all_occurrences(
            whole, at("2026-06-01 09:00"), event(to), lines=("RRULE:FREQ=DAILY",)
        )

    @given(days=st.integers(-9, 9), hours=st.integers(-8, 8), until=st.booleans())
    def test_are_as_many_as_before_and_as_far_apart(self, days, hours, until):
        bound = "UNTIL=20260630T070000Z" if until else "COUNT=9"
        whole = series("2026-06-02 09:00", f"RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SA;{bound}")
        by = timedelta(days=days, hours=hours)
        to = When(at=whole.content.start.at + by, zone=BERLIN)

        moved = series_edits.change_all_occurrences(
            whole, to_start_key(whole.content.start), replace(whole.content, start=to, end=to)
        )

        before = [each.start.at + by for each in sorted_(expand_event(whole.content, YEAR))]
        assert [each.start.at for each in sorted_(expand_event(moved.content, YEAR))] == before


@given(text=rule_texts(), bound=st.sampled_from(["", ";COUNT=3", ";UNTIL=20260301T080000Z"]))
def test_a_rule_is_written_as_it_is_read(text, bound):
    rule = rrule.parse_recurrence_rule(text + bound)

    assert rrule.parse_recurrence_rule(rrule.format_recurrence_rule(rule)) == rule
