"""A recurrence in words, and none where words would say something else than the rule."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as some

from accounts import display_times
from accounts.models import DateFormat
from integrations.calendar.messages import recurrence as messages
from integrations.calendar.pages import recurrence_text
from integrations.formats.event_content import When

# A Tuesday, nine o'clock in Berlin.
START = When(at=datetime(2026, 3, 3, 8, tzinfo=UTC), zone="Europe/Berlin")


class TestRruleText:
    @pytest.mark.parametrize(
        ("rule", "said"),
        [
            ("FREQ=DAILY", "every day"),
            ("FREQ=DAILY;COUNT=1", "every day, 1 time"),
            ("FREQ=DAILY;INTERVAL=3;COUNT=4", "every 3 days, 4 times"),
            ("FREQ=WEEKLY", "every week on Tuesday"),
            (
                "FREQ=WEEKLY;INTERVAL=2;BYDAY=FR,MO",
                "every 2 weeks on Monday and Friday",
            ),
            ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "every weekday"),
            ("FREQ=MONTHLY", "every month on day 3"),
            ("FREQ=MONTHLY;BYMONTHDAY=1,15", "every month on day 1 and 15"),
            ("FREQ=MONTHLY;BYMONTHDAY=-1", "every month on the last day"),
            ("FREQ=MONTHLY;BYDAY=1TU", "every month on the first Tuesday"),
            ("FREQ=MONTHLY;BYDAY=-1FR", "every month on the last Friday"),
            ("FREQ=YEARLY", "every year on 3 March"),
            ("FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", "every year on the fourth Thursday of November"),
        ],
    )
    def test_say_what_is_common(self, rule, said):
        assert recurrence_text.describe_recurrence([f"RRULE:{rule}"], START) == said

    @pytest.mark.parametrize(
        "rule",
        [
            "FREQ=HOURLY",
            "FREQ=DAILY;BYDAY=MO",
            "FREQ=DAILY;BYMONTH=2",
            "FREQ=WEEKLY;BYMONTH=2",
            "FREQ=MONTHLY;BYDAY=MO",
            "FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=1",
            "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
            "FREQ=YEARLY;BYMONTHDAY=3",
            "FREQ=YEARLY;BYDAY=20MO",
            "FREQ=YEARLY;BYMONTH=1,2",
            "FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=MO,SU",
            "FREQ=NEVER",
            "no rule",
        ],
    )
    def test_do_not_say_half_of_a_rule(self, rule):
        assert recurrence_text.describe_recurrence([f"RRULE:{rule}"], START) == messages.CUSTOM

    def test_say_until_which_day_on_the_clock_of_the_series(self):
        said = recurrence_text.describe_recurrence(
            ["RRULE:FREQ=DAILY;UNTIL=20260309T230000Z"], START
        )

        assert said == "every day, until 10 Mar 2026"

    def test_say_that_dates_were_added_and_left_out(self):
        lines = ["RRULE:FREQ=DAILY", "RDATE:20260501T080000Z", "EXDATE:20260304T080000Z,20260305"]

        said = recurrence_text.describe_recurrence(lines, START)

        assert said == "every day, on 1 more date, without 2 dates"

    def test_say_nothing_of_what_happens_once(self):
        assert recurrence_text.describe_recurrence([], When(day=date(2026, 3, 3))) == ""

    def test_do_not_fail_for_a_zone_that_nobody_knows(self):
        start = When(at=START.at, zone="Mars/Base")

        assert recurrence_text.describe_recurrence(["RRULE:FREQ=WEEKLY"], start) == messages.CUSTOM

    def test_name_days_in_the_format_of_the_reader(self):
        display = display_times.TimeDisplay(UTC, DateFormat.MONTH_FIRST, names_zone=False)
        with display_times.use_display(display):
            yearly = recurrence_text.describe_recurrence(["RRULE:FREQ=YEARLY"], START)
            daily = recurrence_text.describe_recurrence(
                ["RRULE:FREQ=DAILY;UNTIL=20260309T230000Z"], START
            )

        assert yearly == "every year on March 3"
        assert daily == "every day, until Mar 10, 2026"

    @given(some.lists(some.text(max_size=60), max_size=4))
    def test_never_fail(self, lines):
        assert isinstance(recurrence_text.describe_recurrence(lines, START), str)
