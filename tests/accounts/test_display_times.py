"""Times as texts: the wall clock of the reader's zone, in the reader's format."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from django.template import Context, Template
from hypothesis import given
from hypothesis import strategies as st

from accounts import display_times, time_preferences
from accounts.display_times import TimeDisplay
from accounts.models import DateFormat

NOON = datetime(2026, 11, 29, 12, 0, 5, tzinfo=UTC)
#: Formats for `strptime` of each `DateFormat`.
PARSED = {
    DateFormat.DAY_FIRST: "%d %b %Y, %H:%M",
    DateFormat.DAY_FIRST_12: "%d %b %Y, %I:%M %p",
    DateFormat.MONTH_FIRST: "%b %d, %Y, %I:%M %p",
    DateFormat.ISO: "%Y-%m-%d %H:%M",
}

zones = st.sampled_from(time_preferences.list_time_zones()).map(ZoneInfo)
formats = st.sampled_from(list(DateFormat))
moments = st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the strategy adds the zone


def show(zone="Europe/Paris", date_format=DateFormat.DAY_FIRST):
    zone = ZoneInfo(zone) if isinstance(zone, str) else zone
    return display_times.use_display(TimeDisplay(zone, date_format, names_zone=False))


def render(source, **values):
    return Template(source).render(Context(values))


class TestMoment:
    @given(zone=zones, date_format=formats, at=moments)
    def test_is_the_wall_clock_of_the_reader_in_every_zone_and_format(self, zone, date_format, at):
        with show(zone, date_format):
            text = display_times.format_moment(at)

        local = at.astimezone(zone).replace(tzinfo=None, second=0, microsecond=0)
        assert datetime.strptime(text, PARSED[date_format]) == local  # noqa: DTZ007

    @given(zone=zones, date_format=formats, at=moments)
    def test_consists_of_the_day_and_the_clock(self, zone, date_format, at):
        with show(zone, date_format):
            text = display_times.format_moment(at)
            parts = display_times.format_day(at), display_times.format_clock(at)

        assert text.startswith(parts[0])
        assert text.endswith(parts[1])

    @pytest.mark.parametrize(
        ("date_format", "text"),
        [
            (DateFormat.DAY_FIRST, "29 Nov 2026, 13:00"),
            (DateFormat.DAY_FIRST_12, "29 Nov 2026, 1:00 PM"),
            (DateFormat.MONTH_FIRST, "Nov 29, 2026, 1:00 PM"),
            (DateFormat.ISO, "2026-11-29 13:00"),
        ],
    )
    def test_has_the_chosen_format(self, date_format, text):
        with show(date_format=date_format):
            assert display_times.format_moment(NOON) == text

    @pytest.mark.parametrize("date_format", list(DateFormat))
    def test_looks_as_its_label_in_the_profile(self, date_format):
        with show("UTC", date_format):
            text = display_times.format_moment(datetime(2026, 12, 31, 17, 5, tzinfo=UTC))

        assert text == date_format.label

    def test_follows_daylight_saving_time(self):
        before = datetime(2026, 3, 29, 0, 59, tzinfo=UTC)
        with show():
            texts = [
                display_times.format_clock(before + timedelta(minutes=number)) for number in (0, 1)
            ]

        assert texts == ["01:59", "03:00"]

    def test_tells_the_two_passes_of_a_repeated_hour_apart_only_by_the_element(self):
        first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
        with show():
            pages = [render("{{ at|moment }}", at=first + timedelta(hours=n)) for n in (0, 1)]

        assert all(">25 Oct 2026, 02:30<" in page for page in pages)
        assert 'datetime="2026-10-25T00:30:00+00:00"' in pages[0]
        assert 'datetime="2026-10-25T01:30:00+00:00"' in pages[1]

    @pytest.mark.parametrize(
        "at", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, tzinfo=UTC)]
    )
    @pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
    def test_is_shown_at_the_ends_of_the_calendar(self, at, zone):
        with show(zone):
            assert str(at.year) in display_times.format_moment(at)


class TestWithoutAZone:
    def test_times_are_in_utc_and_say_so(self):
        assert display_times.format_moment(NOON) == "29 Nov 2026, 12:00 UTC"
        assert display_times.format_clock(NOON) == "12:00 UTC"
        assert display_times.format_relative(NOON, now=NOON + timedelta(days=1)) == (
            "yesterday, 12:00 UTC"
        )

    def test_days_are_those_of_utc(self):
        late = datetime(2026, 11, 29, 23, 30, tzinfo=timezone(timedelta(hours=-5)))

        assert display_times.format_day(late) == "30 Nov 2026"


class TestDisplayOfAPerson:
    @staticmethod
    def choose(zone, date_format=""):
        return display_times.choose_display(
            SimpleNamespace(time_zone=zone, date_format=date_format)
        )

    def test_is_that_of_the_profile(self):
        display = self.choose("Asia/Tokyo", DateFormat.ISO)

        assert (display.zone, display.date_format) == (ZoneInfo("Asia/Tokyo"), DateFormat.ISO)
        assert not display.names_zone

    @pytest.mark.parametrize("zone", ["", "Mars/Olympus"])
    def test_is_utc_without_a_zone_that_exists(self, zone):
        assert self.choose(zone) == display_times.UTC_DISPLAY

    def test_is_utc_on_the_staff_site(self, settings):
        settings.SITE = "staff"

        assert self.choose("Asia/Tokyo", DateFormat.ISO) == display_times.UTC_DISPLAY

    def test_ends_with_its_block(self):
        with show("Asia/Tokyo"):
            assert display_times.format_clock(NOON) == "21:00"
        assert display_times.format_clock(NOON) == "12:00 UTC"


class TestRelativeTime:
    @pytest.mark.parametrize(
        ("ago", "text"),
        [
            (timedelta(0), "just now"),
            (timedelta(seconds=59), "just now"),
            (timedelta(minutes=1), "1 minute ago"),
            (timedelta(minutes=59, seconds=59), "59 minutes ago"),
            (timedelta(hours=1), "1 hour ago"),
            (timedelta(hours=11), "11 hours ago"),
            # The day of Paris began at 23:00 UTC.
            (timedelta(hours=14), "yesterday, 23:00"),
            (timedelta(days=2), "2 days ago"),
            (timedelta(days=6), "6 days ago"),
            (timedelta(days=7), "22 Nov 2026"),
            (-timedelta(seconds=30), "in less than a minute"),
            (-timedelta(minutes=5), "in 5 minutes"),
            (-timedelta(hours=1), "in 1 hour"),
            (-timedelta(days=1), "tomorrow, 13:00"),
            (-timedelta(days=3), "in 3 days"),
            (-timedelta(days=30), "29 Dec 2026"),
        ],
    )
    def test_counts_in_the_largest_unit(self, ago, text):
        with show():
            assert display_times.format_relative(NOON - ago, now=NOON) == text

    @given(zone=zones, at=moments, seconds=st.integers(-(10**7), 10**7))
    def test_has_a_text_that_names_past_or_future_correctly(self, zone, at, seconds):
        now = at + timedelta(seconds=seconds)
        with show(zone):
            text = display_times.format_relative(at, now=now)

        assert text
        if seconds < 0:
            assert "ago" not in text
            assert "yesterday" not in text
        else:
            assert not text.startswith("in ")
            assert "tomorrow" not in text


class TestShortTime:
    def test_is_the_clock_on_the_day_of_the_reader_and_the_day_before_it(self):
        now = datetime(2026, 11, 29, 23, 30, tzinfo=UTC)
        at = datetime(2026, 11, 29, 22, 30, tzinfo=UTC)

        with show("UTC"):
            assert display_times.format_short_time(at, now=now) == "22:30"
        with show():
            # 23:30 of the day before in Paris.
            assert display_times.format_short_time(at, now=now) == "29 Nov"

    @pytest.mark.parametrize(
        ("date_format", "text"),
        [
            (DateFormat.DAY_FIRST, "29 Nov 2025"),
            (DateFormat.MONTH_FIRST, "Nov 29, 2025"),
            (DateFormat.ISO, "2025-11-29"),
        ],
    )
    def test_names_another_year(self, date_format, text):
        with show(date_format=date_format):
            assert display_times.format_short_time(NOON.replace(year=2025), now=NOON) == text


class TestExactTime:
    def test_names_weekday_seconds_and_zone(self):
        with show():
            assert display_times.format_exact(NOON) == (
                "Sunday, 29 Nov 2026, 13:00:05 (Europe/Paris)"
            )
        assert display_times.format_exact(NOON).endswith("12:00:05 (UTC)")

    @given(zone=zones, date_format=formats, at=moments)
    def test_orders_moments_of_a_minute(self, zone, date_format, at):
        start = at.replace(second=0, microsecond=0)
        with show(zone, date_format):
            texts = [
                display_times.format_exact(start + timedelta(seconds=second))
                for second in range(59)
            ]

        assert all(first < second for first, second in pairwise(texts))


class TestFilters:
    def test_are_time_elements_with_the_exact_time_as_their_title(self):
        with show():
            page = render("{{ at|moment }} {{ at|day }} {{ at|relative }}", at=NOON)

        assert page.count('<time datetime="2026-11-29T12:00:05+00:00"') == 3
        assert page.count('title="Sunday, 29 Nov 2026, 13:00:05 (Europe/Paris)"') == 3
        assert ">29 Nov 2026, 13:00</time>" in page
        assert ">29 Nov 2026</time>" in page

    def test_have_plain_texts_for_mails(self):
        with show():
            text = render("{{ at|moment_text }} | {{ at|day_text }}", at=NOON)

        assert text == "29 Nov 2026, 13:00 | 29 Nov 2026"

    def test_take_the_text_of_a_moment(self):
        with show():
            assert render("{{ at|moment_text }}", at=NOON.isoformat()) == "29 Nov 2026, 13:00"

    def test_take_a_day_that_has_no_zone(self):
        with show("Pacific/Pago_Pago"):
            page = render("{{ day|day }} {{ day|day_text }}", day=date(2026, 11, 29))

        assert page == '<time datetime="2026-11-29">29 Nov 2026</time> 29 Nov 2026'

    @pytest.mark.parametrize(
        "value",
        [None, "", "yesterday", 7, datetime(2026, 1, 1), "2026-01-01T10:00:00"],  # noqa: DTZ001 - without an offset
    )
    def test_are_empty_for_anything_without_an_offset_from_utc(self, value):
        source = "{{ at|moment }}{{ at|relative }}{{ at|moment_text }}"

        assert render(source, at=value) == ""
