"""What a benchmark found: a figure, what it is held against, and whether that was the goal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

TIMES = "\u00d7"


@dataclass(frozen=True)
class Figure:
    """
    One line of the table.

    `ratio` says what `goal` is about; `met` is None where there is no goal, only a number.
    """

    name: str
    ours: float
    unit: str
    baseline: float | None = None
    against: str = ""
    ratio: float | None = None
    goal: str = ""
    met: bool | None = None
    note: str = ""

    @classmethod
    def of(cls, values: dict[str, Any]) -> Figure:
        return cls(**values)


def plain(name: str, ours: float, unit: str, *, note: str = "") -> Figure:
    """Return a figure that is held against nothing."""
    return Figure(name, ours, unit, note=note)


def make_limit_figure(name: str, ours: float, unit: str, *, most: float, note: str = "") -> Figure:
    """Return a figure with an absolute goal."""
    return Figure(name, ours, unit, goal=f"≤ {most:g} {unit}", met=ours <= most, note=note)


def make_least_figure(
    name: str,
    ours: float,
    unit: str,
    *,
    least: float,
    baseline: float | None = None,
    against: str = "",
    note: str = "",
) -> Figure:
    """Return a figure with an absolute goal that more is better for; `baseline` only compares."""
    found = None if baseline is None else ours / baseline
    goal = f"≥ {least:,g} {unit}"
    return Figure(name, ours, unit, baseline, against, found, goal, ours >= least, note)


def make_ratio_figure(
    name: str,
    ours: float,
    unit: str,
    *,
    baseline: float,
    against: str,
    most: float | None = None,
    note: str = "",
) -> Figure:
    """Return how many times the baseline ours is; less is better."""
    found = ours / baseline
    goal = {} if most is None else {"goal": f"≤ {most:g}{TIMES}", "met": found <= most}
    return Figure(name, ours, unit, baseline, against, found, note=note, **goal)


def make_rate_figure(
    name: str,
    ours: float,
    unit: str,
    *,
    baseline: float,
    against: str,
    most: float,
    note: str = "",
) -> Figure:
    """Return how many times our rate the baseline's is; less is better."""
    found = baseline / ours
    goal = f"≤ {most:g}{TIMES}"
    return Figure(name, ours, unit, baseline, against, found, goal, found <= most, note)


def make_times_figure(
    name: str,
    ours: float,
    unit: str,
    *,
    baseline: float,
    against: str,
    least: float | None = None,
    more_is_better: bool = False,
    note: str = "",
) -> Figure:
    """Return how many times better than the baseline ours is; more is better."""
    found = ours / baseline if more_is_better else baseline / ours
    goal = {} if least is None else {"goal": f"≥ {least:g}{TIMES} better", "met": found >= least}
    return Figure(name, ours, unit, baseline, against, found, note=note, **goal)


def as_json(figures: Sequence[Figure]) -> list[dict[str, Any]]:
    return [asdict(figure) for figure in figures]
