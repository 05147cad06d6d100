"""Days of a series that a file writes as times: with a zone, with none, and in UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from integrations.formats import timezones
from integrations.formats.recurrence import all_day_series
from integrations.formats.recurrence.recurrence_expansion import expand_event, make_time_window
from tests.integrations.formats.icalendar.files import BERLIN, calendar, event, read_file

pytestmark = [
    pytest.mark.clause("AN-9"), pytest.mark.scenario("C4"), pytest.mark.scenario("C6")
]  # fmt: skip

FIRST = date(2026, 1, 1)
#: East and west as far as people live, with and without changes of their clocks at midnight.
PLACES = [
    "Pacific/Kiritimati", "Pacific/Chatham", "Pacific/Auckland", "Pacific/Tongatapu",
    "Australia/Lord_Howe", "Asia/Tokyo", "Asia/Kathmandu", "Asia/Beirut", "Africa/Cairo",
    "Europe/Berlin", "Europe/London", "Africa/Abidjan", "Atlantic/Azores", "America/St_Johns",
    "America/Santiago", "America/Havana", "America/New_York", "America/Los_Angeles",
    "Pacific/Honolulu", "Pacific/Pago_Pago",
]  # fmt: skip
#: Where no other zone has its midnight at the same moment and more people.
CERTAIN = [
    one for one in PLACES if one not in {"Pacific/Kiritimati", "Pacific/Pago_Pago"}
]  # fmt: skip
FORMS = ["date", "zone", "floating", "utc"]


def midnight(day: date, place: str, form: str) -> str:
    """Return parameters and value of a property that names a day."""
    clock = f"{day:%Y%m%d}T000000"
    if form == "utc":
        at = timezones.to_utc(datetime.combine(day, time()), timezones.get_zone(place))
        return f":{at:%Y%m%dT%H%M%SZ}"
    forms = {"date": f";VALUE=DATE:{day:%Y%m%d}", "zone": f";TZID={place}:{clock}"}
    return forms.get(form, f":{clock}")


def all_days(*lines: str, rule: str = "RRULE:FREQ=DAILY;COUNT=365") -> str:
    return event(f"DTSTART;VALUE=DATE:{FIRST:%Y%m%d}", rule, "SUMMARY:Duty", *lines)


def shown(file, year: int = 2026) -> list[tuple[date, str]]:
    """Return each day that is shown of a series, as somebody in Berlin sees it."""
    [entry] = file.entries
    span = make_time_window(
        datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC), zone="UTC"
    )
    found = expand_event(entry.event.content, span, exceptions=entry.event.exceptions)
    return sorted((one.start.day, one.content.title) for one in found)


class TestAnException:
    @given(
        st.sampled_from(PLACES),
        st.integers(min_value=0, max_value=362),
        st.sampled_from(FORMS),
        st.booleans(),
    )
    @settings(max_examples=150, deadline=None)
    def test_replaces_the_day_that_it_names(self, place, number, form, is_own):
        day = FIRST + timedelta(days=number)
        moved = event(
            f"RECURRENCE-ID{midnight(day, place, form)}",
            f"DTSTART;VALUE=DATE:{day:%Y%m%d}",
            "SUMMARY:Swapped",
        )
        # The zone is that of the calendar that is read into, or said by the file.
        named, into = ("X-NOTHING:x", place) if is_own else (f"X-WR-TIMEZONE:{place}", BERLIN)

        file = read_file(calendar(named, all_days(), moved), into)

        wanted = [(FIRST + timedelta(days=each), "Duty") for each in range(365)]
        wanted[number] = (day, "Swapped")
        assert shown(file) == wanted

    @pytest.mark.parametrize("place", CERTAIN)
    @pytest.mark.parametrize("day", [date(2026, 1, 15), date(2026, 7, 15)])
    def test_in_utc_is_of_the_day_that_begins_then_where_most_people_live(self, place, day):
        moved = event(
            f"RECURRENCE-ID{midnight(day, place, 'utc')}",
            f"DTSTART;VALUE=DATE:{day:%Y%m%d}",
            "SUMMARY:Swapped",
        )

        found = shown(read_file(calendar(all_days(), moved), "UTC"))

        assert [when for when, title in found if title == "Swapped"] == [day]
        assert len(found) == 365

    @pytest.mark.parametrize("place", PLACES)
    def test_in_utc_is_of_a_day_that_the_series_has(self, place):
        day = FIRST + timedelta(weeks=20)
        off = event(
            f"RECURRENCE-ID{midnight(day, place, 'utc')}",
            f"DTSTART;VALUE=DATE:{day:%Y%m%d}",
            "STATUS:CANCELLED",
        )

        found = shown(read_file(calendar(all_days(rule="RRULE:FREQ=WEEKLY;COUNT=52"), off), "UTC"))

        assert len(found) == 51
        assert day not in {when for when, _ in found}

    def test_that_stands_there_in_two_forms_is_the_newer_one(self):
        day = FIRST + timedelta(days=40)
        both = [
            event(
                f"RECURRENCE-ID{midnight(day, BERLIN, form)}", f"DTSTART;VALUE=DATE:{day:%Y%m%d}",
                f"SUMMARY:{form}", f"SEQUENCE:{sequence}",
            )
            for form, sequence in (("zone", 2), ("date", 1))
        ]  # fmt: skip

        assert shown(read_file(calendar(all_days(), *both)))[40] == (day, "zone")

    @pytest.mark.parametrize("form", FORMS)
    def test_whose_series_is_elsewhere_has_the_name_of_its_day(self, form):
        day = date(2026, 3, 2)
        alone = event(
            f"RECURRENCE-ID{midnight(day, BERLIN, form)}", f"DTSTART;VALUE=DATE:{day:%Y%m%d}"
        )

        [entry] = read_file(calendar(alone)).entries

        assert entry.uid == "a@example.org/2026-03-02"


class TestALineOfDates:
    @given(
        st.sampled_from(PLACES),
        st.integers(min_value=0, max_value=364),
        st.sampled_from(FORMS),
    )
    @settings(max_examples=100, deadline=None)
    def test_leaves_out_the_day_that_it_names(self, place, number, form):
        day = FIRST + timedelta(days=number)

        file = read_file(calendar(all_days(f"EXDATE{midnight(day, place, form)}")), place)

        wanted = [(FIRST + timedelta(days=each), "Duty") for each in range(365) if each != number]
        assert shown(file) == wanted
        assert file.entries[0].event.content.recurrence[1] == f"EXDATE;VALUE=DATE:{day:%Y%m%d}"

    @given(st.sampled_from(PLACES), st.integers(0, 300), st.sampled_from(FORMS))
    @settings(max_examples=60, deadline=None)
    def test_adds_the_day_that_it_names(self, place, number, form):
        day = date(2027, 1, 10) + timedelta(days=number)
        rule = "RRULE:FREQ=DAILY;COUNT=2"

        file = read_file(calendar(all_days(f"RDATE{midnight(day, place, form)}", rule=rule)), place)

        assert [when for when, _ in shown(file, 2027)] == [day]

    @given(
        st.sampled_from(PLACES),
        st.integers(min_value=1, max_value=300),
        st.sampled_from([time(), time(23, 59), time(23, 59, 59)]),
    )
    # Daylight saving time skips this midnight.
    @example("Africa/Cairo", 113, time())
    @settings(max_examples=60, deadline=None)
    def test_ends_with_the_day_that_it_names(self, place, number, clock):
        day = FIRST + timedelta(days=number)
        at = timezones.to_utc(datetime.combine(day, clock), timezones.get_zone(place))

        file = read_file(
            calendar(all_days(rule=f"RRULE:FREQ=DAILY;UNTIL={at:%Y%m%dT%H%M%SZ}")), place
        )

        assert shown(file)[-1][0] == day

    def test_that_ends_at_another_time_ends_with_its_day_in_utc(self):
        file = read_file(calendar(all_days(rule="RRULE:FREQ=DAILY;UNTIL=20260110T120000Z")))

        assert shown(file)[-1][0] == date(2026, 1, 10)

    def test_that_cannot_be_read_is_named_by_its_own_number(self):
        from tests.integrations.formats.icalendar.files import problems

        data = calendar(all_days("EXDATE:20260110T230000Z", "EXDATE:soon"))

        assert [line for line, _ in problems(data)] == [9]


class TestAMoment:
    def test_at_noon_is_of_its_own_day(self):
        noon = datetime(2026, 3, 2, 12, tzinfo=UTC)

        assert all_day_series.guess_all_day_date(noon) == (date(2026, 3, 2), date(2026, 3, 3))
        assert all_day_series.guess_all_day_date(noon, [timezones.get_zone("Pacific/Tarawa")])[
            0
        ] == date(2026, 3, 3)
