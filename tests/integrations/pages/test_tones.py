"""The eight colours of the page of calendars: which of them a calendar has."""

from __future__ import annotations

import pytest

from config.embedded.embedded_service import ROOT
from integrations.calendar.pages import calendar_colors

GREEN, ORANGE = 2, 3


class TestATone:
    @pytest.mark.parametrize(
        ("colour", "tone"), [("#1a73e8", 4), ("#0b8043", GREEN), ("#f4511e", ORANGE)]
    )
    def test_is_near_the_colour_that_was_chosen(self, colour, tone):
        assert calendar_colors.assign_tones([colour]) == [tone]

    def test_is_a_calendars_own_as_long_as_there_are_enough(self):
        found = calendar_colors.assign_tones(["#0b8043"] * 8)

        assert found[0] == GREEN
        assert sorted(found) == list(range(8))

    @pytest.mark.parametrize("colour", ["", "#777777", "red", "#1a73e8; x", "#" + "1" * 600])
    def test_goes_by_turns_where_there_is_no_hue(self, colour):
        assert calendar_colors.assign_tones([colour] * 10) == [0, 1, 2, 3, 4, 5, 6, 7, 0, 1]

    def test_is_as_the_stylesheet_has_it(self):
        sheet = (ROOT / "accounts/static/antares/calendar.css").read_text()

        assert all(
            f".swatch.tone-{number} {{ --tone: {colour}; }}" in sheet
            for number, colour in enumerate(calendar_colors.TONES)
        )
