"""Assign each calendar one of the eight page colours: close to its own, and distinct."""

from __future__ import annotations

import colorsys
import re
from collections.abc import Iterable
from typing import Final

#: As `.tone-N` in `antares/calendar.css`: the CSP forbids inline styles.
TONES: Final = (
    "#4a57e0", "#b03a9d", "#1f8a4c", "#c2470f", "#12769a", "#9a6a00", "#8444c8", "#c4285c",
)  # fmt: skip
_COLOUR: Final = re.compile(r"#[0-9a-fA-F]{6}", re.ASCII)
# Below it, a colour is grey and has no hue.
_MIN_SATURATION: Final = 0.1


def assign_tones(colours: Iterable[str]) -> list[int]:
    """
    Two calendars share a tone only if all eight are in use.

    :param colours: as `#1a73e8`; any other text means no colour
    """
    tones: list[int] = []
    for colour in colours:
        free = [tone for tone in range(len(TONES)) if tone not in tones]
        # Without a colour, tones alternate.
        in_turn = [len(tones) % len(TONES)]
        tones.append(
            _find_nearest_tone(colour, free or range(len(TONES)), fallback=(free or in_turn)[0])
        )
    return tones


def _find_nearest_tone(colour: str, tones: Iterable[int], *, fallback: int) -> int:
    hue = _parse_hue(colour)
    return (
        fallback
        if hue is None
        else min(tones, key=lambda tone: _measure_hue_distance(hue, _HUES[tone]))
    )


def _parse_hue(colour: str) -> float | None:
    """Return the hue from 0 to 1, or None for grey or an invalid colour."""
    if not _COLOUR.fullmatch(colour):
        return None
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    hue, _, saturation = colorsys.rgb_to_hls(red, green, blue)
    return hue if saturation >= _MIN_SATURATION else None


def _measure_hue_distance(hue: float, other_hue: float) -> float:
    return min(abs(hue - other_hue), 1 - abs(hue - other_hue))


_HUES: Final = tuple(_parse_hue(tone) or 0.0 for tone in TONES)
