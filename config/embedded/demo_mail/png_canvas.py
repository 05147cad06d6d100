"""
A canvas of palette colours, written as PNG.

Pixels are kept in columns, so that shapes are a few slices each. Coordinates are in pixels, from
the upper left corner.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Callable
from typing import Final

Colour = tuple[int, int, int]
_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"


class Canvas:
    def __init__(self, width: int, height: int, background: Colour = (255, 255, 255)) -> None:
        self.width, self.height = width, height
        self._palette: dict[Colour, int] = {}
        self._columns = [bytearray(self._encode(background) * height) for _ in range(width)]

    def _encode(self, colour: Colour) -> bytes:
        """At most 256 colours."""
        return bytes([self._palette.setdefault(colour, len(self._palette))])

    def fill_column(self, x: int, top: float, bottom: float, colour: Colour) -> None:
        first, last = max(0, round(top)), min(self.height, round(bottom))
        if 0 <= x < self.width and first < last:
            self._columns[x][first:last] = self._encode(colour) * (last - first)

    def fill_gradient(self, top: int, bottom: int, first: Colour, last: Colour) -> None:
        """Fill whole rows. Neighbouring columns are shifted by a row, which hides the steps."""
        steps = 40
        shades = [
            tuple(round(a + (b - a) * step / (steps - 1)) for a, b in zip(first, last, strict=True))
            for step in range(steps)
        ]
        rows = bottom - top
        for shift in (0, 1):
            column = b"".join(
                self._encode(shades[min(steps - 1, (row + 5 * shift) * steps // rows)])  # type: ignore[arg-type]
                for row in range(rows)
            )
            for x in range(shift, self.width, 2):
                self._columns[x][top:bottom] = column

    def fill_below(self, get_top: Callable[[int], float], colour: Colour) -> None:
        for x in range(self.width):
            self.fill_column(x, get_top(x), self.height, colour)

    def fill_rectangle(
        self, left: float, top: float, width: float, height: float, colour: Colour
    ) -> None:
        for x in range(round(left), round(left + width)):
            self.fill_column(x, top, top + height, colour)

    def fill_disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        for column in range(math.floor(x - radius), math.ceil(x + radius) + 1):
            reach = math.sqrt(max(0.0, radius**2 - (column - x) ** 2))
            self.fill_column(column, y - reach, y + reach, colour)

    def draw_ring(self, x: float, y: float, radius: float, stroke: float, colour: Colour) -> None:
        inner_radius = radius - stroke
        for column in range(math.floor(x - radius), math.ceil(x + radius) + 1):
            outer = math.sqrt(max(0.0, radius**2 - (column - x) ** 2))
            inner = math.sqrt(max(0.0, inner_radius**2 - (column - x) ** 2))
            self.fill_column(column, y - outer, y - inner, colour)
            self.fill_column(column, y + inner, y + outer, colour)

    def draw_line(
        self, start: tuple[float, float], end: tuple[float, float], stroke: float, colour: Colour
    ) -> None:
        steps = int(max(abs(end[0] - start[0]), abs(end[1] - start[1]))) or 1
        for step in range(steps + 1):
            x = start[0] + (end[0] - start[0]) * step / steps
            y = start[1] + (end[1] - start[1]) * step / steps
            self.fill_rectangle(x - stroke / 2, y - stroke / 2, stroke, stroke, colour)

    def fill_triangle(
        self, left: float, right: float, base: float, tip: tuple[float, float], colour: Colour
    ) -> None:
        """A triangle with a level base."""
        for x in range(round(left), round(right) + 1):
            side = left if x < tip[0] else right
            share = (x - side) / ((tip[0] - side) or 1)
            self.fill_column(x, base + (tip[1] - base) * share, base, colour)

    def to_png(self) -> bytes:
        rows = b"".join(b"\0" + bytes(row) for row in zip(*self._columns, strict=True))
        header = struct.pack(">IIBBBBB", self.width, self.height, 8, 3, 0, 0, 0)
        palette = b"".join(bytes(colour) for colour in self._palette)
        return (
            _SIGNATURE
            + _make_chunk(b"IHDR", header)
            + _make_chunk(b"PLTE", palette)
            + _make_chunk(b"IDAT", zlib.compress(rows, 6))
            + _make_chunk(b"IEND", b"")
        )


def _make_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
