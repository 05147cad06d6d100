"""Figures: their ratio, and whether the goal is met."""

from __future__ import annotations

import pytest

from tests.bench import figures


class TestRates:
    @pytest.mark.parametrize(("ours", "met"), [(120, True), (100, True), (99, False)])
    def test_are_the_baselines_against_ours(self, ours, met):
        figure = figures.make_rate_figure(
            "list", ours, "requests/s", baseline=130, against="plain rows", most=1.3
        )

        assert figure.ratio == pytest.approx(130 / ours)
        assert figure.goal == f"≤ 1.3{figures.TIMES}"
        assert figure.met is met
