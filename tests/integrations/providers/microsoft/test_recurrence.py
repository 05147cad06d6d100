"""Graph's recurrence objects and RFC 5545's lines say the same."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given
from hypothesis import strategies as st

from integrations.formats.event_content import When
from integrations.providers import errors
from integrations.providers.microsoft import recurrence

BERLIN = "Europe/Berlin"
# A Tuesday, at ten in Berlin.
START = When(at=datetime(2026, 11, 3, 9, tzinfo=UTC), zone=BERLIN)
DAY = When(day=date(2026, 11, 3))


def patterned(pattern, span=None):
    begun = {"type": "noEnd", "startDate": "2026-11-03"}
    return {"pattern": {"interval": 1} | pattern, "range": begun | (span or {})}


class TestReadRecurrence:
    @pytest.mark.parametrize(
        ("pattern", "rule"),
        [
            ({"type": "daily", "interval": 3}, "FREQ=DAILY;INTERVAL=3"),
            (
                {"type": "weekly", "daysOfWeek": ["tuesday", "Friday"], "firstDayOfWeek": "sunday"},
                "FREQ=WEEKLY;BYDAY=TU,FR;WKST=SU",
            ),
            ({"type": "absoluteMonthly", "dayOfMonth": 31}, "FREQ=MONTHLY;BYMONTHDAY=31"),
            (
                {"type": "relativeMonthly", "daysOfWeek": ["thursday"], "index": "last"},
                "FREQ=MONTHLY;BYDAY=-1TH",
            ),
            (
                {"type": "relativeMonthly", "daysOfWeek": ["saturday", "sunday"], "index": "first"},
                "FREQ=MONTHLY;BYDAY=SA,SU;BYSETPOS=1",
            ),
            (
                {"type": "absoluteYearly", "dayOfMonth": 29, "month": 2},
                "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
            ),
            (
                {"type": "relativeYearly", "daysOfWeek": ["monday"], "index": "third", "month": 5},
                "FREQ=YEARLY;BYMONTH=5;BYDAY=3MO",
            ),
        ],
    )
    def test_of_each_pattern(self, pattern, rule):
        assert recurrence.build_rrule_lines(patterned(pattern), START) == (f"RRULE:{rule}",)

    @pytest.mark.scenario("C4")
    def test_of_a_last_day_takes_in_all_of_it_where_the_series_is(self):
        span = {"type": "endDate", "endDate": "2026-12-01"}

        (moment,) = recurrence.build_rrule_lines(patterned({"type": "daily"}, span), START)
        (day,) = recurrence.build_rrule_lines(patterned({"type": "daily"}, span), DAY)

        assert moment.endswith("UNTIL=20261201T225959Z")
        assert day.endswith("UNTIL=20261201")

    def test_of_a_number(self):
        span = {"type": "numbered", "numberOfOccurrences": 4}

        assert recurrence.build_rrule_lines(patterned({"type": "daily"}, span), START) == (
            "RRULE:FREQ=DAILY;COUNT=4",
        )

    @pytest.mark.parametrize(
        "broken",
        [
            {},
            {"pattern": None, "range": None},
            patterned({"type": "hourly"}),
            patterned({"type": "weekly", "daysOfWeek": []}),
            patterned({"type": "weekly", "daysOfWeek": ["someday"]}),
            patterned({"type": "absoluteMonthly", "dayOfMonth": 40}),
            patterned({"type": "daily"}, {"type": "endDate", "endDate": "soon"}),
            patterned({"type": "daily"}, {"type": "numbered", "numberOfOccurrences": 0}),
        ],
    )
    def test_sets_aside_what_makes_no_sense(self, broken):
        with pytest.raises(errors.Rejected) as caught:
            recurrence.build_rrule_lines(broken, START)

        assert caught.value.__context__ is None


class TestWrittenRecurrence:
    def test_of_none_is_none(self):
        assert recurrence.build_graph_recurrence((), START) is None

    def test_takes_what_is_not_said_from_the_start(self):
        weekly = recurrence.build_graph_recurrence(("RRULE:FREQ=WEEKLY;COUNT=4",), START)
        yearly = recurrence.build_graph_recurrence(("RRULE:FREQ=YEARLY",), START)

        assert weekly == {
            "pattern": {
                "type": "weekly",
                "interval": 1,
                "daysOfWeek": ["tuesday"],
                "firstDayOfWeek": "monday",
            },
            "range": {
                "type": "numbered",
                "numberOfOccurrences": 4,
                "startDate": "2026-11-03",
                "recurrenceTimeZone": BERLIN,
            },
        }
        assert yearly["pattern"] == {
            "type": "absoluteYearly",
            "interval": 1,
            "dayOfMonth": 3,
            "month": 11,
        }

    @pytest.mark.parametrize(
        ("until", "last"),
        [
            ("20261201T090000Z", "2026-12-01"),
            # Over before the instance of that day begins.
            ("20261201T085959Z", "2026-11-30"),
            ("20261130T230000Z", "2026-11-30"),
            ("20261201", "2026-12-01"),
        ],
    )
    @pytest.mark.scenario("C4")
    def test_ends_with_the_last_that_there_is(self, until, last):
        made = recurrence.build_graph_recurrence((f"RRULE:FREQ=DAILY;UNTIL={until}",), START)

        assert made["range"]["endDate"] == last

    @pytest.mark.parametrize(
        "written",
        [
            ("RRULE:FREQ=HOURLY",),
            ("RRULE:FREQ=MONTHLY;BYDAY=2TU,2TH",),
            ("RRULE:FREQ=MONTHLY;BYMONTHDAY=-1",),
            ("RRULE:FREQ=MONTHLY;BYMONTHDAY=1,15",),
            ("RRULE:FREQ=MONTHLY;BYDAY=5MO",),
            ("RRULE:FREQ=DAILY;BYDAY=MO",),
            ("RRULE:FREQ=WEEKLY;BYHOUR=9",),
            ("RRULE:FREQ=YEARLY;BYDAY=1MO",),
            ("RRULE:FREQ=DAILY;COUNT=2;UNTIL=20261201",),
            ("RRULE:FREQ=DAILY", "EXDATE:20261104T090000Z"),
            ("RDATE:20261104T090000Z",),
            ("RRULE:FREQ",),
            ("RRULE:",),
            ("",),
        ],
    )
    def test_refuses_what_graph_has_no_words_for(self, written):
        with pytest.raises(errors.Rejected) as caught:
            recurrence.build_graph_recurrence(written, START)

        assert caught.value.reason == "recurrence"


weekdays = st.lists(
    st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"]), min_size=1, unique=True
).map(",".join)
places = st.sampled_from([1, 2, 3, 4, -1])
one_day = st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"])
patterns = st.one_of(
    st.just("FREQ=DAILY"),
    weekdays.map("FREQ=WEEKLY;BYDAY={}".format),
    st.integers(1, 31).map("FREQ=MONTHLY;BYMONTHDAY={}".format),
    st.builds("FREQ=MONTHLY;BYDAY={}{}".format, places, one_day),
    st.builds("FREQ=MONTHLY;BYDAY={};BYSETPOS={}".format, weekdays, places),
    st.builds(
        "FREQ=YEARLY;BYMONTH={};BYMONTHDAY={}".format, st.integers(1, 12), st.integers(1, 28)
    ),
    st.builds("FREQ=YEARLY;BYMONTH={};BYDAY={}{}".format, st.integers(1, 12), places, one_day),
)
ends = st.one_of(
    st.just(""),
    st.integers(1, 40).map(";COUNT={}".format),
    st.integers(1, 36_000_000).map(
        lambda seconds: f";UNTIL={START.at + timedelta(days=1, seconds=seconds):%Y%m%dT%H%M%SZ}"
    ),
)


@given(
    pattern=patterns,
    interval=st.integers(1, 4),
    end=ends,
    hour=st.integers(0, 23),
    zone=st.sampled_from(["UTC", BERLIN, "America/New_York", "Australia/Lord_Howe"]),
)
def test_there_and_back_shows_the_same_instances(pattern, interval, end, hour, zone):
    start = When(at=datetime(2026, 11, 3, hour, tzinfo=UTC), zone=zone)
    rule = f"RRULE:{pattern};INTERVAL={interval}{end}"

    (back,) = recurrence.build_rrule_lines(recurrence.build_graph_recurrence((rule,), start), start)

    begins = start.at.astimezone(ZoneInfo(zone))
    until = begins + timedelta(days=800)
    rules = [rrulestr(one.removeprefix("RRULE:"), dtstart=begins) for one in (rule, back)]
    there, again = ([at for at in one.xafter(begins, 60, inc=True) if at < until] for one in rules)
    assert there == again
