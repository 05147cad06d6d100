"""Where an event stands on a page: days, slots and lanes, on clocks that change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from uuid import UUID

import pytest

from integrations.calendar.occurrences import EventOccurrence
from integrations.calendar.pages import day_layout, overlap_layout, view_ranges
from integrations.calendar.pages.overlap_layout import LanePosition
from integrations.formats import timezones
from integrations.formats.event_content import EventContent, When
from integrations.formats.recurrence import recurrence_expansion
from integrations.formats.recurrence.recurrence_expansion import Occurrence

BERLIN = timezones.get_zone("Europe/Berlin")
HOME = UUID(int=1)


def happening(start: When, end: When) -> EventOccurrence:
    seen = SimpleNamespace(calendar=SimpleNamespace(id=HOME), share=None)
    row = SimpleNamespace(id=UUID(int=2), visible=seen, is_busy=True, is_private=False)
    content = EventContent(title="Review", start=start, end=end)
    return EventOccurrence(row, {"content": b"{}"}, Occurrence(start, end, content), None)


def at(text: str, minutes: int) -> EventOccurrence:
    start = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return happening(
        When(at=start, zone="UTC"), When(at=start + timedelta(minutes=minutes), zone="UTC")
    )


def day(text: str, *happens: EventOccurrence, place=BERLIN):
    calendars = {HOME: day_layout.CalendarStyle(0, "Home")}
    [found] = day_layout.lay_out_days(
        list(happens), [date.fromisoformat(text)], tz=place, calendars=calendars
    )
    return found


class TestADay:
    @pytest.mark.scenario("C4")
    def test_whose_clocks_go_forward_says_so_and_which_clock_it_means(self):
        found = day("2026-03-29", at("2026-03-29T00:30", 60))

        # From half past one to half past three: an hour.
        assert [one["label"] for one in found["timed"]] == ["01:30 CET–03:30 CEST"]  # noqa: RUF001
        assert found["change"] == 60

    @pytest.mark.scenario("C4")
    def test_whose_clocks_go_back_shows_what_ends_before_it_begins_by_the_clock(self):
        found = day("2026-10-25", at("2026-10-25T00:50", 20), at("2026-10-25T01:50", 20))

        first, second = found["timed"]
        assert first["label"] == "02:50 CEST–02:10 CET"  # noqa: RUF001
        assert first["at"] < first["after"]
        assert second["label"] == "02:50 CET–03:10 CET"  # noqa: RUF001
        assert found["change"] == -60
        # At the same place by the clock, so beside each other.
        assert {first["lane"], second["lane"]} == {0, 1}

    @pytest.mark.scenario("C4")
    def test_of_half_an_hour_more_is_one_whose_clocks_change(self):
        assert day("2026-04-05", place=timezones.get_zone("Australia/Lord_Howe"))["change"] == -30
        assert day("2026-04-06", place=timezones.get_zone("Australia/Lord_Howe"))["change"] == 0

    @pytest.mark.scenario("C4")
    def test_that_is_named_is_that_day_wherever_somebody_looks(self):
        fair = happening(When(day=date(2026, 3, 29)), When(day=date(2026, 3, 30)))

        for place in ("Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu"):
            found = day("2026-03-29", fair, place=timezones.get_zone(place))
            assert [one["label"] for one in found["whole"]] == ["all day"]

    def test_holds_what_ends_at_midnight_and_the_next_does_not(self):
        party = at("2026-06-01T20:00", 120)

        [found] = day("2026-06-01", party)["timed"]

        assert (found["label"], found["goes_on"]) == ("22:00–00:00", False)  # noqa: RUF001
        assert found["after"] == overlap_layout.SLOTS
        assert day("2026-06-02", at("2026-06-01T20:00", 121))["timed"][0]["label"] == "until 00:01"

    def test_shows_what_takes_longer_than_a_day_above_the_hours(self):
        found = day("2026-06-02", at("2026-06-01T08:00", 60 * 72))

        assert [one["label"] for one in found["whole"]] == ["all day"]
        assert found["timed"] == []

    def test_shows_what_takes_no_time_as_tall_as_can_be_read(self):
        [found] = day("2026-06-01", at("2026-06-01T21:59", 0))["timed"]

        assert found["label"] == "23:59"
        assert (found["at"], found["after"]) == (94, 96)


class TestLanes:
    def test_are_the_whole_width_for_what_overlaps_nothing(self):
        assert overlap_layout.assign_lanes([(0, 4), (4, 8), (20, 24)]) == [LanePosition(0, 1)] * 3

    def test_are_beside_each_other_for_what_overlaps(self):
        assert overlap_layout.assign_lanes([(0, 8), (2, 4), (4, 6)]) == [
            LanePosition(0, 2),
            LanePosition(1, 2),
            LanePosition(1, 2),
        ]

    def test_are_as_wide_in_all_of_a_group_that_hangs_together(self):
        found = overlap_layout.assign_lanes([(0, 4), (2, 6), (5, 9), (10, 12)])

        assert [one.lanes for one in found] == [2, 2, 2, 1]

    def test_have_room_for_six_and_say_of_the_rest_that_it_does_not_fit(self):
        found = overlap_layout.assign_lanes([(0, 4)] * 9)

        assert [one.lanes for one in found] == [6] * 6 + [0] * 3
        assert [one.lane for one in found[:6]] == list(range(6))

    def test_are_two_at_most_on_a_day_of_a_week(self):
        at_once = [at("2026-06-01T08:00", 60) for _ in range(6)]
        dates = [date(2026, 6, number) for number in range(1, 8)]
        calendars = {HOME: day_layout.CalendarStyle(0, "Home")}

        monday, *_ = day_layout.lay_out_days(at_once, dates, tz=BERLIN, calendars=calendars)

        assert [one["lanes"] for one in monday["timed"]] == [2, 2, 0, 0, 0, 0]
        assert monday["unplaced"] == 4


class TestSpans:
    def test_of_a_month_are_whole_weeks(self):
        span = view_ranges.get_view_range("month", date(2026, 2, 14))

        assert (span.first, span.last) == (date(2026, 1, 26), date(2026, 3, 1))
        assert (span.previous, span.following) == (date(2026, 1, 1), date(2026, 3, 1))

    @pytest.mark.parametrize("view", view_ranges.VIEWS)
    def test_lead_forward_and_back_to_where_they_were(self, view):
        span = view_ranges.get_view_range(view, date(2026, 12, 1))

        assert (
            view_ranges.get_view_range(
                view, view_ranges.get_view_range(view, span.following).previous
            ).first
            == span.first
        )

    @pytest.mark.parametrize("view", view_ranges.VIEWS)
    @pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12", "Europe/Berlin"])
    @pytest.mark.parametrize("clock", ["2026-12-31T23:59", "2027-01-01T00:01", "2026-06-15T12:00"])
    def test_of_today_are_reached_wherever_somebody_is(self, view, zone, clock):
        now = datetime.fromisoformat(clock).replace(tzinfo=UTC)
        place = timezones.get_zone(zone)

        span = view_ranges.get_view_range(view, timezones.to_local_time(now, place).date())
        inside = view_ranges.get_query_window(view, None, at=now)

        first, last = recurrence_expansion.to_utc_times(
            span.first, span.last + timedelta(days=1), place
        )
        assert inside.start <= first < last <= inside.end
