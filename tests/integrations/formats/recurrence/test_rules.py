"""Rules read from their text; and what they make, held against `dateutil`."""

from datetime import date, datetime, timedelta

import pytest
from dateutil.rrule import rrulestr
from hypothesis import assume, example, given
from hypothesis import strategies as st

from integrations.formats.recurrence.rrule import (
    FREQUENCIES,
    WEEKDAYS,
    BadRecurrenceRule,
    parse_recurrence_rule,
)
from integrations.formats.recurrence.rrule_iter import (
    RecurrenceRulePattern,
    RecurrenceWorkBudget,
    TooManyOccurrences,
)
from tests.integrations.formats.recurrence.samples import utc

START = datetime(2024, 2, 29, 9, 30)
SUB_DAILY = FREQUENCIES[:3]


class TestARule:
    def test_says_all_that_it_is_made_of(self):
        rule = parse_recurrence_rule(
            "freq=monthly;interval=2;count=5;wkst=su;byday=-1FR,MO;bysetpos=1,-1;"
        )

        assert (rule.freq, rule.interval, rule.count, rule.week_start) == ("MONTHLY", 2, 5, 6)
        assert (rule.days, rule.positions) == (((-1, 4), (0, 0)), (-1, 1))

    @pytest.mark.parametrize(
        ("text", "until"),
        [
            ("20260301", date(2026, 3, 1)),
            ("20260301T080000Z", utc("2026-03-01T08:00")),
            ("20260301T080000", datetime(2026, 3, 1, 8)),
            # As Outlook says that there is no end.
            ("99991231T235959Z", None),
        ],
    )
    def test_ends_on_a_day_at_a_moment_or_never(self, text, until):
        assert parse_recurrence_rule(f"FREQ=DAILY;UNTIL={text}").until == until

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "FREQ=FORTNIGHTLY",
            "INTERVAL=2",
            "FREQ=DAILY;FREQ=DAILY",
            "FREQ=DAILY;COUNT=0",
            "FREQ=DAILY;INTERVAL=-1",
            "FREQ=DAILY;COUNT=2;UNTIL=20260101",
            "FREQ=DAILY;UNTIL=20260230",
            "FREQ=DAILY;UNTIL=tomorrow",
            "FREQ=DAILY;BYDAY=1MO",
            "FREQ=YEARLY;BYWEEKNO=3;BYDAY=1MO",
            "FREQ=MONTHLY;BYDAY=0XX",
            "FREQ=MONTHLY;BYDAY=99MO",
            "FREQ=MONTHLY;BYMONTHDAY=0",
            "FREQ=MONTHLY;BYMONTHDAY=32",
            "FREQ=WEEKLY;BYMONTHDAY=1",
            "FREQ=MONTHLY;BYYEARDAY=1",
            "FREQ=MONTHLY;BYWEEKNO=1",
            "FREQ=DAILY;BYHOUR=-1",
            "FREQ=DAILY;BYHOUR=٣",
            "FREQ=DAILY;BYSETPOS=1",
            "FREQ=DAILY;X-MINE=1",
            "FREQ=DAILY;WKST=XX",
            "FREQ=YEARLY;RSCALE=CHINESE",
            "FREQ=DAILY;BYMONTH=" + "1," * 5_000,
        ],
    )
    def test_that_cannot_be_followed_says_why_in_words_of_ours(self, text):
        with pytest.raises(BadRecurrenceRule) as caught:
            parse_recurrence_rule(text)

        assert caught.value.__cause__ is None
        assert str(caught.value)


def numbers(least, most, *, both=False):
    one = st.integers(least, most)
    if both:
        one = one | one.map(lambda number: -number)
    return st.lists(one, min_size=1, max_size=3, unique=True)


def joined(name, values):
    return f";{name}={','.join(map(str, values))}"


@st.composite
def rule_texts(draw):
    """Rules whose meaning is beyond dispute, and that `dateutil` answers within a test."""
    freq = draw(st.sampled_from(FREQUENCIES))
    parts = [f"FREQ={freq}", joined("INTERVAL", [draw(st.integers(1, 4))])]
    if draw(st.booleans()):
        parts.append(joined("WKST", [draw(st.sampled_from(WEEKDAYS))]))
    if draw(st.booleans()):
        parts.append(joined("BYMONTH", draw(numbers(1, 12))))
    if freq != "WEEKLY" and draw(st.integers(0, 3)) == 0:
        parts.append(joined("BYMONTHDAY", draw(numbers(1, 28, both=True))))
    weeks = freq == "YEARLY" and "BYMONTHDAY" not in "".join(parts) and draw(st.integers(0, 3)) == 0
    if weeks:
        parts.append(joined("BYWEEKNO", draw(numbers(1, 52))))
    if draw(st.booleans()):
        days = draw(st.lists(st.sampled_from(WEEKDAYS), min_size=1, max_size=3, unique=True))
        if freq in {"MONTHLY", "YEARLY"} and not weeks and draw(st.booleans()):
            days = [f"{draw(st.sampled_from([1, 2, 4, -1, -2]))}{day}" for day in days]
        parts.append(joined("BYDAY", days))
    for name, most in (("BYHOUR", 23), ("BYMINUTE", 59)):
        if draw(st.integers(0, 3)) == 0:
            parts.append(joined(name, draw(numbers(0, most))))
    if freq not in SUB_DAILY and ";BY" in "".join(parts) and draw(st.integers(0, 3)) == 0:
        parts.append(joined("BYSETPOS", draw(numbers(1, 4, both=True))))
    return "".join(parts)


def peers(text, start, first, last):
    """What `dateutil` makes of it; nothing for what it refuses or cannot find in time."""
    try:
        rule = rrulestr(text, dtstart=start)
    except ValueError:
        return None
    found = []
    for clock in rule.xafter(first, inc=True):
        if clock > last or len(found) > 500:
            break
        found.append(clock)
    return found if len(found) <= 500 else None


class TestWhatARuleMakes:
    @given(
        text=rule_texts(),
        start=st.datetimes(datetime(2023, 1, 1), datetime(2024, 12, 31)).map(
            lambda at: at.replace(microsecond=0)
        ),
        skipped=st.integers(0, 90),
    )
    @example(text="FREQ=MONTHLY;INTERVAL=1", start=datetime(2024, 1, 31, 9), skipped=0)
    @example(text="FREQ=YEARLY;INTERVAL=1", start=START, skipped=90)
    @example(text="FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=SU,MO", start=START, skipped=10)
    @example(
        text="FREQ=WEEKLY;INTERVAL=1;WKST=TU;BYDAY=MO,TU;BYMINUTE=0;BYSETPOS=1",
        start=datetime(2023, 1, 1),
        skipped=0,
    )
    def test_is_what_another_reading_of_the_standard_makes(self, text, start, skipped):
        first = start + timedelta(days=skipped)
        if text.startswith("FREQ=WEEKLY") and "BYSETPOS" in text:
            # `dateutil` counts positions of the first week from its start date on, and not from
            # the beginning of that week (RFC 5545 §3.3.10: the set of a whole interval).
            first = max(first, start + timedelta(days=7))
        last = first + timedelta(days=2 if text[5:].startswith(SUB_DAILY) else 400)
        theirs = peers(text, start, first, last)
        assume(theirs is not None)

        ours = list(
            RecurrenceRulePattern(parse_recurrence_rule(text), start).iterate_times(
                first, last, RecurrenceWorkBudget(1_000_000)
            )
        )

        assert ours == theirs

    def test_counts_both_plain_and_numbered_weekdays(self):
        rule = parse_recurrence_rule("FREQ=MONTHLY;BYDAY=MO,-1FR")

        made = RecurrenceRulePattern(rule, START).iterate_times(
            START, datetime(2024, 3, 31), RecurrenceWorkBudget(1_000)
        )

        assert [each.day for each in made] == [4, 11, 18, 25, 29]

    @pytest.mark.parametrize(
        ("text", "clock"),
        [
            ("FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO", datetime(2024, 12, 30, 9, 30)),
            ("FREQ=YEARLY;BYWEEKNO=-1;BYDAY=SU", datetime(2024, 12, 29, 9, 30)),
            ("FREQ=YEARLY;BYYEARDAY=-1", datetime(2024, 12, 31, 9, 30)),
            ("FREQ=DAILY;BYHOUR=7;BYMINUTE=59;BYSECOND=60", datetime(2024, 3, 1, 7, 59, 59)),
        ],
    )
    def test_at_the_edges_of_years_and_minutes(self, text, clock):
        made = RecurrenceRulePattern(parse_recurrence_rule(text), START).iterate_times(
            START, datetime(2025, 6, 1), RecurrenceWorkBudget(2_000)
        )

        assert next(made) == clock

    @pytest.mark.parametrize(
        "text",
        [
            "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
            "FREQ=SECONDLY;BYSETPOS=2;BYSECOND=1",
            "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30",
            "FREQ=YEARLY;BYYEARDAY=366;BYMONTHDAY=30",
            "FREQ=WEEKLY;INTERVAL=2;BYMONTH=1;BYDAY=MO;BYSETPOS=5",
        ],
    )
    def test_of_what_never_happens_is_known_within_the_work_that_is_given(self, text):
        pattern = RecurrenceRulePattern(parse_recurrence_rule(text), START)

        with pytest.raises(TooManyOccurrences):
            list(pattern.iterate_times(START, datetime(8999, 1, 1), RecurrenceWorkBudget(20_000)))

    def test_far_ahead_costs_no_more_than_near(self):
        pattern = RecurrenceRulePattern(parse_recurrence_rule("FREQ=SECONDLY"), START)
        work = RecurrenceWorkBudget(100)

        made = list(
            pattern.iterate_times(datetime(2524, 1, 1), datetime(2524, 1, 1, 0, 0, 9), work)
        )

        assert len(made) == 10
        assert work.left > 50

    def test_leaves_the_larger_amount_of_work_to_the_next(self):
        all_of_it = RecurrenceWorkBudget(1_000)
        pattern = RecurrenceRulePattern(parse_recurrence_rule("FREQ=SECONDLY"), START)

        for _ in range(2):
            with pytest.raises(TooManyOccurrences):
                list(
                    pattern.iterate_times(
                        START, datetime(2025, 1, 1), RecurrenceWorkBudget(100, parent=all_of_it)
                    )
                )

        assert all_of_it.left > 700
