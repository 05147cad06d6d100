"""Zones by the names that providers and files use, and the two times a year that clocks lie."""

from datetime import UTC, datetime
from zoneinfo import available_timezones

import pytest
from tzlocal.windows_tz import win_tz

from integrations.formats import timezones

BERLIN = timezones.get_zone("Europe/Berlin")
LORD_HOWE = timezones.get_zone("Australia/Lord_Howe")
KATHMANDU = timezones.get_zone("Asia/Kathmandu")


class TestANameOfAZone:
    @pytest.mark.parametrize(
        ("written", "iana"),
        [
            ("Europe/Berlin", "Europe/Berlin"),
            ("europe/berlin", "Europe/Berlin"),
            (" W. Europe Standard Time ", "Europe/Berlin"),
            ("pacific standard time", "America/Los_Angeles"),
            ("Nepal Standard Time", "Asia/Kathmandu"),
            ("Lord Howe Standard Time", "Australia/Lord_Howe"),
            ("UTC", "UTC"),
            ("Z", "UTC"),
            ("tzone://Microsoft/Utc", "UTC"),
        ],
    )
    @pytest.mark.scenario("C4")
    def test_is_found_in_the_words_of_both_worlds(self, written, iana):
        assert timezones.get_iana_name(written) == iana

    @pytest.mark.scenario("C4")
    def test_of_every_windows_zone_leads_to_a_place_and_back(self):
        for windows in win_tz:
            assert timezones.get_windows_name(timezones.get_iana_name(windows)) == windows

    def test_of_every_place_has_one_on_windows(self):
        lost = set()
        for name in available_timezones() - {"localtime", "posixrules", "Factory"}:
            try:
                timezones.get_windows_name(name)
            except timezones.UnknownZone:
                lost.add(name)

        # A base in the ice, two hours ahead in summer and none in winter.
        assert lost == {"Antarctica/Troll"}

    @pytest.mark.parametrize(
        "nonsense",
        [
            "",
            "Mars/Olympus",
            "../../etc/passwd",
            "/etc/localtime",
            "localtime",
            "Factory",
            "\0",
            "x" * 5_000,
        ],
    )
    @pytest.mark.scenario("C4")
    def test_that_nobody_knows_is_said_to_be_unknown(self, nonsense):
        with pytest.raises(timezones.UnknownZone):
            timezones.get_iana_name(nonsense)
        with pytest.raises(timezones.UnknownZone):
            timezones.get_zone(nonsense)

    @pytest.mark.parametrize("custom", ["tzone://Microsoft/Custom", "Customized Time Zone"])
    @pytest.mark.scenario("C4")
    def test_that_stands_for_rules_is_told_from_one_that_is_unknown(self, custom):
        with pytest.raises(timezones.CustomZone):
            timezones.get_iana_name(custom)


@pytest.mark.scenario("C4")
class TestATimeOnAClock:
    def test_that_is_skipped_is_what_it_would_be_before_the_change(self):
        skipped = datetime(2026, 3, 29, 2, 30)

        assert timezones.is_skipped(skipped, BERLIN)
        assert timezones.to_utc(skipped, BERLIN) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
        assert timezones.to_local_time(timezones.to_utc(skipped, BERLIN), BERLIN) == datetime(
            2026, 3, 29, 3, 30
        )

    def test_that_is_shown_twice_is_the_first(self):
        twice = datetime(2026, 10, 25, 2, 30)

        assert timezones.is_ambiguous(twice, BERLIN)
        assert timezones.to_utc(twice, BERLIN) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)

    def test_that_is_skipped_cannot_be_chosen(self):
        with pytest.raises(timezones.NonexistentTime):
            timezones.to_utc_strict(datetime(2026, 3, 29, 2, 30), BERLIN)

    def test_that_is_shown_can_be_chosen(self):
        chosen = timezones.to_utc_strict(datetime(2026, 3, 29, 3, 30), BERLIN)

        assert chosen == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
        assert not timezones.is_ambiguous(datetime(2026, 3, 29, 3, 30), BERLIN)

    def test_changes_by_half_an_hour_on_lord_howe(self):
        before = timezones.to_utc(datetime(2026, 10, 4, 1, 59), LORD_HOWE)
        after = timezones.to_utc(datetime(2026, 10, 4, 2, 30), LORD_HOWE)

        assert (after - before).total_seconds() == 60
        assert timezones.is_skipped(datetime(2026, 10, 4, 2, 15), LORD_HOWE)
        assert timezones.is_ambiguous(datetime(2026, 4, 5, 1, 45), LORD_HOWE)
        assert not timezones.is_ambiguous(datetime(2026, 4, 5, 1, 15), LORD_HOWE)

    def test_is_a_quarter_off_in_kathmandu(self):
        noon = timezones.to_utc(datetime(2026, 1, 1, 12), KATHMANDU)

        assert noon == datetime(2026, 1, 1, 6, 15, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("text", "read"),
        [
            ("2026-03-29T02:30:00.0000000", datetime(2026, 3, 29, 2, 30)),
            ("2026-03-29T02:30:00.1234567", datetime(2026, 3, 29, 2, 30, 0, 123456)),
            ("2026-03-29T02:30:00", datetime(2026, 3, 29, 2, 30)),
            ("2026-03-29 02:30", datetime(2026, 3, 29, 2, 30)),
        ],
    )
    def test_is_read_with_seven_digits_or_none(self, text, read):
        assert timezones.parse_local_time(text) == read

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "2026-03-29",
            "2026-13-01T00:00",
            "2026-03-29T25:00",
            "2026-03-29T02:30Z",
            "٢٠٢٦-03-29T02:30",
        ],
    )
    def test_is_refused_where_it_is_none(self, text):
        with pytest.raises(timezones.UnreadableTime):
            timezones.parse_local_time(text)
