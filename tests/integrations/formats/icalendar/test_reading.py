"""What a file of calendars holds, and what is said of a line that nobody can follow."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrations.formats.event_content import Reminder, When
from integrations.formats.icalendar import calendar_file_reader, icalendar_components
from integrations.formats.icalendar.file_problems import MAX_PROBLEMS, UnreadableCalendarFile
from integrations.formats.recurrence.recurrence_expansion import expand_event, make_time_window
from tests.integrations.formats.icalendar.files import (
    BERLIN,
    OWN_RULES,
    calendar,
    event,
    problems,
    read_file,
)

pytestmark = pytest.mark.clause("AN-9")


def read_only_entry(data: bytes, zone: str = BERLIN):
    (entry,) = read_file(data, zone).entries
    return entry


def content(*lines: str):
    return read_only_entry(calendar(event(*lines))).event.content


def at(*clock: int) -> datetime:
    return datetime(*clock, tzinfo=UTC)


class TestAMoment:
    @pytest.mark.parametrize(
        ("line", "moment", "zone"),
        [
            ("DTSTART:20260603T090000Z", at(2026, 6, 3, 9), "UTC"),
            ("DTSTART:20260603T090000", at(2026, 6, 3, 7), BERLIN),
            ("DTSTART;TZID=America/New_York:20260603T090000", at(2026, 6, 3, 13), None),
            ('DTSTART;TZID="Europe/Berlin":20260603T090000', at(2026, 6, 3, 7), None),
            ("DTSTART;TZID=W. Europe Standard Time:20260603T090000", at(2026, 6, 3, 7), None),
            ("DTSTART;TZID=/mozilla.org/20050126_1/Asia/Kathmandu:20260603T090000", None, None),
            ("DTSTART;TZID=Lord Howe Standard Time:20260603T090000", None, None),
        ],
    )
    @pytest.mark.scenario("C4")
    def test_is_in_the_zone_that_the_file_means(self, line, moment, zone):
        start = content(line).start

        assert moment in {None, start.at}
        assert zone in {None, start.zone}

    @pytest.mark.scenario("C4")
    def test_that_clocks_skip_is_what_it_would_have_been(self):
        assert content("DTSTART;TZID=Europe/Berlin:20260329T023000").start.at == at(
            2026, 3, 29, 1, 30
        )

    @pytest.mark.scenario("C4")
    @pytest.mark.parametrize("name", ["My own zone", "tzone://Microsoft/Custom"])
    def test_of_a_zone_without_a_name_goes_by_what_its_clocks_show(self, name):
        rules = OWN_RULES.format(name=name, winter="+0100", summer="+0200")

        start = read_only_entry(
            calendar(rules, event(f'DTSTART;TZID="{name}":20260603T090000'))
        ).event.content

        assert start.start == When(at=at(2026, 6, 3, 7), zone=BERLIN)

    @pytest.mark.scenario("C4")
    def test_of_a_zone_that_a_program_located_goes_by_that(self):
        rules = OWN_RULES.format(name="Mine", winter="+0100", summer="+0200")
        rules = rules.replace("TZID:Mine", "TZID:Mine\nX-LIC-LOCATION:Europe/Vienna")

        found = read_only_entry(calendar(rules, event("DTSTART;TZID=Mine:20260603T090000")))

        assert found.event.content.start.zone == "Europe/Vienna"

    @pytest.mark.scenario("C4")
    @pytest.mark.parametrize(
        ("name", "zone"),
        [
            ("europe/berlin", BERLIN),
            ("\"'Europe/Berlin'\"", BERLIN),
            ("/freeassociation.sourceforge.net/Europe/Berlin", BERLIN),
            ("/freeassociation.sourceforge.net/Tzfile/Europe/Berlin", BERLIN),
            ("/freeassociation.sourceforge.net/UTC", "UTC"),
            ("/mozilla.org/20050126_1/America/Argentina/Ushuaia", "America/Argentina/Ushuaia"),
            ("w. europe standard time", BERLIN),
            ('"(UTC+01:00) Amsterdam, Berlin, Bern, Rome"', "Europe/Amsterdam"),
            ("(GMT+01.00) Sarajevo/Warsaw/Zagreb", "Europe/Sarajevo"),
            ('"(UTC-05:00) Eastern Time (US & Canada)"', "America/New_York"),
            ('"(UTC+10:00) Canberra, Melbourne, Sydney"', "Australia/Canberra"),
        ],
    )
    @pytest.mark.parametrize("rules", ["none", "empty", "broken"])
    def test_without_usable_rules_is_in_the_zone_of_that_name(self, name, zone, rules):
        value = name.strip('"').replace(",", "\\,")
        described = f"BEGIN:VTIMEZONE\nTZID:{value}\n{{}}END:VTIMEZONE"
        broken = "BEGIN:STANDARD\nDTSTART:yesterday\nTZOFFSETTO:+25\nEND:STANDARD\n"
        parts = {"none": "X-NOTHING:x", "empty": described.format(""),
                 "broken": described.format(broken)}  # fmt: skip

        found = read_only_entry(
            calendar(parts[rules], event(f"DTSTART;TZID={name}:20260603T090000"))
        )

        assert found.event.content.start.zone == zone

    @pytest.mark.parametrize("name", ["(UTC+05:00) Berlin", "(UTC+01:00) Springfield", "Berlin"])
    def test_of_a_city_that_may_be_another_is_refused(self, name):
        [found] = problems(calendar(event(f'DTSTART;TZID="{name}":20260603T090000')))

        assert found[1].startswith("the name of this time zone is unknown")

    @pytest.mark.scenario("C4")
    def test_goes_by_rules_under_a_name_that_needed_escapes(self):
        rules = OWN_RULES.format(name="Here\\, or there", winter="+0100", summer="+0200")

        found = read_only_entry(
            calendar(rules, event('DTSTART;TZID="here, or there":20260603T090000'))
        )

        assert found.event.content.start == When(at=at(2026, 6, 3, 7), zone=BERLIN)

    @pytest.mark.scenario("C4")
    @pytest.mark.parametrize("is_first", [True, False])
    def test_goes_by_usable_rules_if_others_have_the_same_name(self, is_first):
        rules = OWN_RULES.format(name="Mine", winter="+0100", summer="+0200")
        broken = "BEGIN:VTIMEZONE\nTZID:Mine\nEND:VTIMEZONE"
        both = (rules, broken) if is_first else (broken, rules)

        found = read_only_entry(calendar(*both, event("DTSTART;TZID=Mine:20260603T090000")))

        assert found.event.content.start == When(at=at(2026, 6, 3, 7), zone=BERLIN)

    @pytest.mark.scenario("C4")
    def test_of_an_abbreviation_goes_by_the_rules_beside_it(self):
        rules = OWN_RULES.format(name="EST", winter="-0500", summer="-0400")
        rules = rules.replace("-1SU;BYMONTH=10", "1SU;BYMONTH=11")
        rules = rules.replace("-1SU;BYMONTH=3", "2SU;BYMONTH=3")
        rules = rules.replace("T030000", "T020000")
        tea = event("DTSTART;TZID=EST:20260603T090000")

        assert read_only_entry(calendar(rules, tea)).event.content.start.zone == "America/New_York"
        assert read_only_entry(calendar(tea)).event.content.start.zone == "EST"

    def test_of_a_zone_that_nobody_knows_is_refused(self):
        rules = OWN_RULES.format(name="Odd", winter="+0111", summer="+0233")

        for part in (rules, "X-NOTHING:x"):
            (found,) = problems(calendar(part, event("DTSTART;TZID=Odd:20260603T090000")))
            assert found[1].startswith("the name of this time zone is unknown")

    def test_is_a_day(self):
        found = content("DTSTART;VALUE=DATE:20260603")

        assert (found.start, found.end) == (
            When(day=date(2026, 6, 3)),
            When(day=date(2026, 6, 4)),
        )

    def test_that_ends_on_the_day_it_begins_is_that_day(self):
        found = content("DTSTART;VALUE=DATE:20260603", "DTEND;VALUE=DATE:20260603")

        assert found.end == When(day=date(2026, 6, 4))

    @pytest.mark.parametrize(
        ("lasts", "end"),
        [
            ("PT90M", at(2026, 3, 28, 9, 30)),
            ("P1D", at(2026, 3, 29, 7)),
            ("P1DT1H", at(2026, 3, 29, 8)),
            ("P1W", at(2026, 4, 4, 7)),
        ],
    )
    def test_that_lasts_days_ends_by_the_clock(self, lasts, end):
        found = content("DTSTART;TZID=Europe/Berlin:20260328T090000", f"DURATION:{lasts}")

        assert found.end.at == end


class TestReadEvent:
    def test_is_what_its_lines_say(self):
        found = content(
            "DTSTART:20260603T090000Z",
            "SUMMARY:Tea\\, and\\nbis",
            " cuits",
            "DESCRIPTION:C:\\\\temp\\; done",
            "LOCATION:Kitchen",
            "CLASS:CONFIDENTIAL",
            "TRANSP:TRANSPARENT",
            "STATUS:TENTATIVE",
            "ORGANIZER:mailto:rita@example.org",
            "ATTENDEE;CN=\"Bob ^'B^', jr\";PARTSTAT=ACCEPTED;ROLE=OPT-PARTICIPANT:MAILTO:bob@x.org",
            "ATTENDEE:mailto:rita@example.org",
            "ATTENDEE:invalid:nomail",
        )

        assert found.title == "Tea, and\nbiscuits"
        assert found.description == "C:\\temp; done"
        assert found.location == "Kitchen"
        assert (found.is_private, found.is_busy, found.is_tentative) == (True, False, True)
        bob, rita = found.attendees
        assert (bob.email, bob.name, bob.response) == ("bob@x.org", 'Bob "B", jr', "accepted")
        assert (bob.is_optional, rita.is_organizer) == (True, True)

    def test_reminds_before_it_starts(self):
        alarms = [
            f"BEGIN:VALARM\nTRIGGER{trigger}\nACTION:{action}\nEND:VALARM"
            for trigger, action in (
                (":-PT15M", "DISPLAY"),
                (";RELATED=END:-PT90M", "EMAIL"),
                (";VALUE=DATE-TIME:20260603T080000Z", "AUDIO"),
                (":PT5M", "DISPLAY"),
            )
        ]
        file = read_file(calendar(event("DTSTART:20260603T090000Z", "DURATION:PT1H", *alarms)))

        assert file.entries[0].event.content.reminders == (
            Reminder(15), Reminder(30, "email"), Reminder(60)
        )  # fmt: skip
        assert file.left_out == ("reminders after the start, or more than four weeks before",)

    def test_without_a_name_has_one_of_what_it_says(self):
        nameless = calendar("BEGIN:VEVENT\nDTSTART:20260603T090000Z\nSUMMARY:Tea\nEND:VEVENT")

        assert read_only_entry(nameless).uid == read_only_entry(nameless).uid
        assert (
            read_only_entry(nameless).uid != read_only_entry(nameless.replace(b"Tea", b"Tee")).uid
        )

    @pytest.mark.scenario("S4")
    def test_that_stands_there_twice_is_the_newer_one(self):
        older = event("DTSTART:20260603T090000Z", "SUMMARY:Old", "SEQUENCE:1")
        newer = event("DTSTART:20260603T090000Z", "SUMMARY:New", "SEQUENCE:2")

        for both in ((older, newer), (newer, older)):
            assert read_only_entry(calendar(*both)).event.content.title == "New"

    def test_that_is_off_is_named_as_that(self):
        file = read_file(calendar(event("DTSTART:20260603T090000Z", "STATUS:CANCELLED")))

        assert (file.entries, file.cancelled_uids) == ((), ("a@example.org",))

    def test_tells_what_is_left_out_of_it(self):
        file = read_file(
            calendar(
                event("DTSTART:20260603T090000Z", "CATEGORIES:Work", "ATTACH:https://x.org/a"),
                "BEGIN:VTODO\nUID:t\nEND:VTODO",
            )
        )

        assert file.left_out == ("ATTACH", "CATEGORIES", "tasks")


class TestReadSeries:
    RULE = ("DTSTART;TZID=Europe/Berlin:20260603T090000", "RRULE:FREQ=DAILY;COUNT=5")

    @pytest.mark.scenario("C6")
    def test_has_the_exceptions_that_stand_beside_it(self):
        moved = event(
            "RECURRENCE-ID;TZID=Europe/Berlin:20260604T090000",
            "DTSTART;TZID=Europe/Berlin:20260604T150000",
        )
        off = event(
            "RECURRENCE-ID:20260605T070000Z", "DTSTART:20260605T070000Z", "STATUS:CANCELLED"
        )

        found = read_only_entry(calendar(moved, event(*self.RULE), off)).event

        assert found.exceptions[at(2026, 6, 4, 7)].start.at == at(2026, 6, 4, 13)
        assert found.exceptions[at(2026, 6, 5, 7)] is None

    @pytest.mark.scenario("D4")
    def test_knows_an_exception_by_its_day_as_well(self):
        off = event("RECURRENCE-ID;VALUE=DATE:20260604", "DTSTART:20260604T090000Z")

        assert set(read_only_entry(calendar(event(*self.RULE), off)).event.exceptions) == {
            at(2026, 6, 4, 7)
        }

    def test_leaves_out_in_a_zone_of_the_file(self):
        rules = OWN_RULES.format(name="Mine", winter="+0100", summer="+0200")
        lines = (*self.RULE, "EXDATE;TZID=Mine:20260604T090000")

        found = read_only_entry(calendar(rules, event(*lines))).event.content

        assert found.recurrence[1] == "EXDATE;TZID=Europe/Berlin:20260604T090000"

    def test_one_of_which_is_there_alone_is_an_event_of_its_own(self):
        entry = read_only_entry(
            calendar(event("RECURRENCE-ID:20260604T070000Z", "DTSTART:20260604T130000Z"))
        )

        assert entry.series_uid == "a@example.org"
        assert entry.uid != entry.series_uid
        assert entry.event.exceptions == {}


class TestAChangeOfAllThatFollow:
    SERIES = event(
        "DTSTART;TZID=Europe/Berlin:20260601T090000", "DURATION:PT1H", "SUMMARY:Old",
        "RRULE:FREQ=DAILY;COUNT=8",
    )  # fmt: skip

    @staticmethod
    def following(day: int, hour: int = 9, title: str = "New", *lines: str) -> str:
        return event(
            f"RECURRENCE-ID;TZID=Europe/Berlin;RANGE=THISANDFUTURE:202606{day:02}T090000",
            f"DTSTART;TZID=Europe/Berlin:202606{day:02}T{hour:02}0000", "DURATION:PT2H",
            f"SUMMARY:{title}", *lines,
        )  # fmt: skip

    @staticmethod
    def happens(data: bytes) -> list[tuple[int, int, str]]:
        """Return day and hour of each occurrence in Berlin, and its title."""
        span = make_time_window(at(2026, 5, 1), at(2026, 8, 1), zone=BERLIN)
        found = [
            one
            for entry in read_file(data).entries
            for one in expand_event(entry.event.content, span, exceptions=entry.event.exceptions)
        ]
        return sorted((one.start.at.day, one.start.at.hour + 2, one.content.title) for one in found)

    @pytest.mark.scenario("C6")
    def test_is_a_series_of_its_own_from_there_on(self):
        later = event(
            "RECURRENCE-ID;TZID=Europe/Berlin:20260607T090000",
            "DTSTART;TZID=Europe/Berlin:20260607T180000", "SUMMARY:Once",
        )  # fmt: skip

        found = self.happens(calendar(self.following(4, 11), self.SERIES, later))

        assert found == [
            *((day, 9, "Old") for day in (1, 2, 3)),
            *((day, 11, "New") for day in (4, 5, 6)),
            (7, 18, "Once"),
            (8, 11, "New"),
        ]

    @pytest.mark.scenario("C6")
    def test_counts_until_the_next_one(self):
        both = self.following(3, 10, "Second"), self.following(6, 11, "Third")

        found = self.happens(calendar(self.SERIES, *both))

        assert [title for _, _, title in found] == ["Old"] * 2 + ["Second"] * 3 + ["Third"] * 3
        assert [hour for _, hour, _ in found] == [9] * 2 + [10] * 3 + [11] * 3

    def test_that_cancels_ends_the_series(self):
        ended = self.following(5, 9, "Off", "STATUS:CANCELLED")

        assert [day for day, _, _ in self.happens(calendar(self.SERIES, ended))] == [1, 2, 3, 4]

    @pytest.mark.scenario("C4")
    def test_of_days_may_be_named_by_a_midnight(self):
        days = event("DTSTART;VALUE=DATE:20260601", "RRULE:FREQ=DAILY;COUNT=5", "SUMMARY:Old")
        changed = event(
            "RECURRENCE-ID;TZID=Europe/Berlin;RANGE=THISANDFUTURE:20260603T000000",
            "DTSTART;VALUE=DATE:20260603", "SUMMARY:New",
        )  # fmt: skip

        first, second = read_file(calendar(days, changed)).entries

        assert first.event.content.recurrence == ("RRULE:FREQ=DAILY;UNTIL=20260602",)
        assert second.event.content.start == When(day=date(2026, 6, 3))
        assert second.event.content.recurrence == ("RRULE:FREQ=DAILY;COUNT=3",)
        assert (second.uid, second.series_uid) == ("a@example.org/following/1", "a@example.org")

    @pytest.mark.parametrize(
        ("has_series", "days", "says"),
        [
            (True, [20], "does not have"),
            (False, [4], "the series is not in the file"),
            (True, range(2, 8), "more than 5 times"),
        ],
    )
    def test_that_makes_no_sense_is_told_by_its_line(self, has_series, days, says):
        data = calendar(*[self.SERIES] * has_series, *map(self.following, days))

        [(line, found)] = problems(data)

        assert says in found
        assert data.decode().splitlines()[line - 1] == "BEGIN:VEVENT"


class TestReadFile:
    @pytest.mark.parametrize("ends", ["\r\n", "\n", "\r"])
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
    def test_is_read_whatever_its_line_ends_and_mark(self, ends, encoding):
        text = calendar(event("DTSTART:20260603T090000Z", "SUMMARY:Füße"), ends=ends).decode()

        assert read_only_entry(text.encode(encoding)).event.content.title == "Füße"

    @pytest.mark.parametrize(
        ("data", "line", "says"),
        [
            (b"", 1, "contains no calendar"),
            (b"Dear all,\n", 1, "does not belong in a calendar file"),
            (b"X:1\n", 1, "begins with BEGIN:VCALENDAR"),
            (b"BEGIN:VCALENDAR\nBEGIN:VEVENT\n", 2, "not whole"),
            (b"BEGIN:VCALENDAR\nEND:VEVENT\n", 2, "not begun last"),
            (b"BEGIN:VCALENDAR\nSUMMARY:F\xfc\xdfe\nEND:VCALENDAR\n", 2, "not UTF-8"),
            (b"BEGIN:VCALENDAR\nVERSION:1.0\nEND:VCALENDAR\n", 2, "vCalendar 1.0"),
            (b"BEGIN:VCALENDAR\n" + b"BEGIN:X\n" * 9, 5, "inside of each other"),
            (b"x" * (icalendar_components.MAX_BYTES + 1), 1, "larger than 10 MB"),
            (
                calendar("X-LONG:" + "x" * (icalendar_components.MAX_LINE_LENGTH + 1)),
                3,
                "longer than 200,000",
            ),
        ],
    )
    def test_that_is_none_says_where_it_stops_being_one(self, data, line, says):
        (found, *_) = problems(data)

        assert found[0] == line
        assert says in found[1]

    @pytest.mark.parametrize(
        ("lines", "line", "says"),
        [
            (["SUMMARY:No start"], 3, "no start"),
            (["DTSTART:20260230T090000"], 5, "a valid date or time"),
            (["DTSTART:20260603T090000Z", "DTEND:20260603T080000Z"], 3, "ends before it starts"),
            (["DTSTART:20260603T090000Z", "DTEND;VALUE=DATE:20260604"], 6, "both be days"),
            (["DTSTART:20260603T090000Z", "DURATION:soon"], 6, "no length of time"),
            (["DTSTART:20260603T090000Z", "RRULE:FREQ=OFTEN"], 6, "FREQ"),
            (["DTSTART:20260603T090000Z", "EXRULE:FREQ=DAILY"], 6, "EXRULE"),
            (
                ["DTSTART:20260603T090000Z", "RDATE;VALUE=PERIOD:20260603T090000Z/PT1H"],
                6,
                "periods",
            ),
            (["DTSTART:20260603T090000Z", "SUMMARY:" + "x" * 1_001], 6, "longer than 1,000"),
            (
                ["DTSTART:20260603T090000Z", "SUMMARY;ENCODING=QUOTED-PRINTABLE:=0D=0A"],
                6,
                "quoted-printable",
            ),
            (["DTSTART:20260603T090000Z", "Hello"], 6, "does not belong in a calendar file"),
            (
                [
                    "DTSTART:20260603T090000Z",
                    "RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30;COUNT=1000000",
                ],
                6,
                "too much work",
            ),
        ],
    )
    def test_with_a_line_that_nobody_can_follow_says_which(self, lines, line, says):
        found = problems(calendar(event(*lines)))

        assert [one for one in found if one[0] == line and says in one[1]]

    def test_tells_all_that_is_wrong_up_to_a_hundred(self):
        wrong = [event("SUMMARY:No start", uid=str(each)) for each in range(MAX_PROBLEMS + 50)]

        with pytest.raises(UnreadableCalendarFile) as caught:
            read_file(calendar(*wrong[:3]))
        assert (len(caught.value.problems), caught.value.has_more) == (3, False)
        with pytest.raises(UnreadableCalendarFile) as caught:
            read_file(calendar(*wrong))
        assert (len(caught.value.problems), caught.value.has_more) == (MAX_PROBLEMS, True)

    def test_of_too_many_events_is_refused(self, monkeypatch):
        monkeypatch.setattr(calendar_file_reader, "MAX_EVENTS", 2)
        many = [event("DTSTART:20260603T090000Z", uid=str(each)) for each in range(3)]

        assert "more than 2 events" in problems(calendar(*many))[0][1]


GOOD = calendar(
    OWN_RULES.format(name="Mine", winter="+0100", summer="+0200"),
    event(
        "DTSTART;TZID=Mine:20260603T090000",
        "DURATION:PT1H",
        "RRULE:FREQ=WEEKLY;BYDAY=WE;COUNT=4",
        "EXDATE;TZID=Mine:20260610T090000",
        "SUMMARY:Tea\\, and biscuits",
        'ATTENDEE;CN="Bob":mailto:bob@example.org',
        "BEGIN:VALARM\nTRIGGER:-PT15M\nEND:VALARM",
    ),
    event("RECURRENCE-ID;TZID=Mine:20260617T090000", "DTSTART:20260617T130000Z"),
)
_SPOTS = st.lists(
    st.tuples(
        st.integers(0, len(GOOD) - 1),
        st.integers(0, 12),
        st.one_of(st.binary(max_size=6), st.sampled_from([b"\r\n", b":", b";", b'"', b"\0", b"9"])),
    ),
    min_size=1,
    max_size=6,
)


class TestABrokenFile:
    @settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
    @given(_SPOTS)
    def test_is_read_or_refused_in_words_and_nothing_else(self, spots):
        data = GOOD
        for start, length, new in spots:
            data = data[:start] + new + data[start + length :]

        for one in problems(data):
            assert 1 <= one[0] <= data.count(b"\n") + data.count(b"\r") + 1
            assert one[1]

    @settings(max_examples=100, deadline=None)
    @given(st.integers(0, len(GOOD) - 20))
    def test_that_was_cut_off_is_never_taken_for_whole(self, length):
        assert problems(GOOD[:length])
