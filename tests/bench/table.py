"""The figures for a person to read."""

from __future__ import annotations

from collections.abc import Sequence

from tests.bench.figures import TIMES, Figure

HEADINGS = ("", "figure", "baseline", "ratio", "goal", "met")


def render(figures: Sequence[Figure]) -> str:
    """Return one table; a figure's note and what it is held against stand below it."""
    rows = [HEADINGS, *(_cells(figure) for figure in figures)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(HEADINGS))]
    lines = [_line(HEADINGS, widths), "  ".join("─" * width for width in widths)]
    for figure, row in zip(figures, rows[1:], strict=True):
        lines.append(_line(row, widths))
        against = f"against {figure.against}" if figure.against else ""
        said = "; ".join(part for part in (against, figure.note) if part)
        if said:
            lines.append(f"    {said}")
    return "\n".join(lines)


def _cells(figure: Figure) -> tuple[str, ...]:
    met = {None: "", True: "yes", False: "NO"}[figure.met]
    baseline = "" if figure.baseline is None else f"{_number(figure.baseline)} {figure.unit}"
    return (
        figure.name,
        f"{_number(figure.ours)} {figure.unit}",
        baseline,
        "" if figure.ratio is None else f"{_number(figure.ratio)}{TIMES}",
        figure.goal,
        met,
    )


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return "  ".join((first, *others)).rstrip()


def _number(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"
