"""How people and times read on a mail page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import display_times
from accounts.display_times import TimeDisplay
from accounts.models import DateFormat
from integrations.mail.pages import frame_heights
from integrations.templatetags import mail_page

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
ADDRESS = st.fixed_dictionaries({"name": st.text(max_size=40), "email": st.text(max_size=40)})


class TestPeople:
    @given(ADDRESS)
    def test_always_have_something_to_be_called_by(self, address):
        assert mail_page.who(address)
        assert 1 <= len(mail_page.initials(address)) <= 6
        assert mail_page.tone(address) in {f"tone-{number}" for number in range(8)}

    def test_are_called_by_name_before_address(self):
        assert mail_page.who({"name": "Bob", "email": "b@x.example"}) == "Bob"
        assert mail_page.who({"name": "", "email": "b@x.example"}) == "b@x.example"
        assert mail_page.who(None) == "Unknown sender"


class TestTimes:
    @pytest.mark.parametrize(
        ("ago", "shown"),
        [
            (timedelta(hours=2), "10:00"),
            (timedelta(days=1), "24 Nov"),
            (timedelta(days=400), "21 Oct 2025"),
        ],
    )
    def test_are_as_short_as_they_can_be(self, ago, shown):
        assert mail_page.short_time(NOW - ago, NOW) == shown

    def test_are_read_from_text_as_well_and_never_fail(self):
        assert mail_page.short_time((NOW - timedelta(hours=2)).isoformat(), NOW) == "10:00"
        assert mail_page.short_time("no time", NOW) == ""
        assert mail_page.exact_time("no time") == ""

    def test_have_an_exact_time_to_hover_over(self):
        assert mail_page.exact_time(NOW).endswith(f"{NOW:%H:%M:%S} (UTC)")

    def test_are_those_of_the_readers_zone(self):
        tokyo = TimeDisplay(ZoneInfo("Asia/Tokyo"), DateFormat.MONTH_FIRST, names_zone=False)
        with display_times.use_display(tokyo):
            # Nine hours ahead of UTC.
            assert mail_page.short_time(NOW, NOW) == "9:00 PM"
            assert mail_page.short_time(NOW - timedelta(hours=13), NOW) == "8:00 AM"
            assert mail_page.short_time(NOW - timedelta(hours=22), NOW) == "Nov 24"

    @pytest.mark.parametrize(("seconds", "shown"), [(5, "5 s"), (90, "2 min"), (7200, "2 h")])
    def test_left_are_in_their_largest_unit(self, seconds, shown):
        assert mail_page.duration(seconds) == shown


class TestFrames:
    @given(st.integers(min_value=0, max_value=10_000_000))
    def test_never_get_lower_for_a_longer_text(self, size):
        order = [name for _, name in frame_heights.CLASSES] + [frame_heights.TALLEST]

        assert order.index(frame_heights.get_height_class(size)) <= order.index(
            frame_heights.get_height_class(size + 1)
        )
