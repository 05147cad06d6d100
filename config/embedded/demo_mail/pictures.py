"""The photos and sketches of the demo's mail, drawn with a few shapes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final

from config.embedded.demo_mail.png_canvas import Canvas, Colour

_WIDTH, _HEIGHT = 720, 480
_WHITE: Final = (255, 255, 255)
_INK: Final = (58, 66, 77)
_PALE: Final = (226, 230, 235)


def draw_picture(name: str) -> bytes:
    """
    Return the PNG of this name.

    :raises KeyError: unknown name
    """
    return _PICTURES[name]().to_png()


def _make_ridge(base: float, height: float, length: float, shift: float) -> Callable[[int], float]:
    """Return the upper edge of a chain of hills, by column; `length` is that of a hill."""

    def get_top(x: int) -> float:
        long = math.sin((x + shift) / length)
        short = math.sin((x + 2 * shift) / (length * 0.37))
        return base - height * (0.5 + 0.38 * long + 0.12 * short)

    return get_top


def _draw_lake_evening() -> Canvas:
    canvas = Canvas(_WIDTH, _HEIGHT)
    canvas.fill_gradient(0, 300, (44, 52, 98), (250, 176, 120))
    canvas.fill_disc(470, 262, 40, (255, 226, 160))
    canvas.fill_below(_make_ridge(300, 120, 88, 40), (98, 84, 120))
    canvas.fill_below(_make_ridge(302, 64, 60, 300), (66, 60, 96))
    canvas.fill_gradient(300, _HEIGHT, (238, 160, 116), (38, 48, 88))
    _draw_glitter(canvas, 470, (255, 220, 158))
    _draw_jetty(canvas, (34, 30, 46))
    return canvas


def _draw_lake_morning() -> Canvas:
    canvas = Canvas(_WIDTH, _HEIGHT)
    canvas.fill_gradient(0, 300, (150, 190, 220), (236, 240, 238))
    canvas.fill_below(_make_ridge(300, 120, 88, 40), (172, 192, 204))
    canvas.fill_below(_make_ridge(302, 64, 60, 300), (128, 156, 160))
    canvas.fill_gradient(300, _HEIGHT, (212, 224, 226), (112, 150, 166))
    _draw_jetty(canvas, (82, 76, 70))
    canvas.fill_gradient(280, 300, (220, 230, 232), (232, 238, 238))
    return canvas


def _draw_glitter(canvas: Canvas, x: int, colour: Colour) -> None:
    for number in range(22):
        y = 306 + number * 7
        width = 10 + 46 * abs(math.sin(number * 1.7)) * (1 - number / 30)
        canvas.fill_rectangle(x - width / 2 + 9 * math.sin(number), y, width, 2.6, colour)


def _draw_jetty(canvas: Canvas, colour: Colour) -> None:
    for x in range(240):
        canvas.fill_column(x, 402 + x * 0.02, 410 + x * 0.02, colour)
    for x in (40, 110, 180, 232):
        canvas.fill_rectangle(x, 392, 7, 60, colour)


def _draw_boat(canvas: Canvas, x: float, y: float, size: float, stripe: Colour) -> None:
    canvas.fill_rectangle(x - 2, y - 2.1 * size, 4, 2.1 * size, (96, 74, 58))
    canvas.fill_triangle(x + 6, x + size, y - 12, (x + 6, y - 2 * size), _WHITE)
    canvas.fill_triangle(x - 0.8 * size, x - 6, y - 12, (x - 6, y - 1.8 * size), (244, 240, 228))
    canvas.fill_rectangle(x + 6, y - 0.8 * size, size * 0.42, 8, stripe)
    for step in range(round(size * 0.36)):
        width = 2.2 * size - 2 * step
        canvas.fill_rectangle(x - width / 2, y + step - 6, width, 1.5, (70, 48, 40))
    canvas.fill_rectangle(x - 1.05 * size, y - 2, 2.1 * size, 4, stripe)


def _draw_harbour(boats: tuple[tuple[int, int, int, Colour], ...]) -> Canvas:
    canvas = Canvas(_WIDTH, _HEIGHT)
    canvas.fill_gradient(0, 260, (96, 158, 206), (222, 236, 240))
    canvas.fill_below(_make_ridge(262, 40, 120, 10), (150, 176, 170))
    for number in range(9):
        left, height = 20 + number * 78, 46 + 22 * (number * 5 % 4)
        wall = ((196, 120, 92), (226, 196, 150), (158, 106, 86))[number % 3]
        canvas.fill_rectangle(left, 264 - height, 70, height, wall)
        canvas.fill_triangle(left - 3, left + 73, 264 - height, (left + 35, 238 - height), _INK)
        for window in range(3):
            canvas.fill_rectangle(left + 10 + window * 20, 274 - height, 9, 13, (250, 236, 190))
    canvas.fill_gradient(264, _HEIGHT, (86, 138, 160), (36, 84, 112))
    for number in range(46):
        x, y = number * 197 % _WIDTH, 276 + number * 61 % 196
        canvas.fill_rectangle(x, y, 22 + number % 5 * 6, 2, (130, 174, 190))
    for x, y, size, stripe in boats:
        _draw_boat(canvas, x, y, size, stripe)
    return canvas


def _draw_terrace() -> Canvas:
    canvas = Canvas(_WIDTH, _HEIGHT)
    canvas.fill_gradient(0, 280, (92, 164, 222), (206, 230, 244))
    canvas.fill_gradient(230, 300, (44, 120, 168), (70, 146, 186))
    for number in range(11):
        left, top = number * 70 - 10, 262 + 18 * (number * 2 % 3)
        canvas.fill_rectangle(left, top, 68, 120, (240, 234, 222))
        canvas.fill_rectangle(left - 2, top - 8, 72, 10, (204, 110, 76))
        canvas.fill_rectangle(left + 26, top + 18, 14, 20, (120, 140, 156))
    canvas.fill_rectangle(0, 350, _WIDTH, 60, (248, 246, 240))
    canvas.fill_rectangle(0, 346, _WIDTH, 8, (60, 116, 170))
    canvas.fill_rectangle(0, 410, _WIDTH, 70, (214, 150, 112))
    for number in range(10):
        canvas.fill_rectangle(number * 76, 410, 2, 70, (186, 122, 88))
    canvas.fill_rectangle(90, 372, 44, 60, (178, 84, 52))
    for number in range(7):
        canvas.fill_disc(78 + number * 12, 350 - 26 * math.sin(number / 2), 19, (62, 122, 70))
    canvas.fill_rectangle(480, 400, 130, 8, (110, 78, 54))
    for x in (492, 592):
        canvas.fill_rectangle(x, 404, 8, 60, (110, 78, 54))
    return canvas


def _draw_bicycle() -> Canvas:
    canvas = Canvas(_WIDTH, _HEIGHT)
    canvas.fill_gradient(0, 360, (204, 196, 184), (232, 226, 216))
    canvas.fill_gradient(360, _HEIGHT, (150, 146, 142), (120, 118, 116))
    rear, front, hub = (230.0, 320.0), (500.0, 320.0), (345.0, 318.0)
    saddle, head = (305.0, 168.0), (462.0, 178.0)
    blue = (38, 92, 160)
    for x, y in (rear, front):
        canvas.draw_ring(x, y, 88, 9, (40, 42, 46))
        for spoke in range(6):
            turn = spoke * math.pi / 6
            reach = (78 * math.cos(turn), 78 * math.sin(turn))
            canvas.draw_line(
                (x - reach[0], y - reach[1]), (x + reach[0], y + reach[1]), 1.4, (176, 178, 182)
            )
        canvas.fill_disc(x, y, 8, (90, 92, 96))
    for start, end in ((rear, hub), (rear, saddle), (saddle, hub), (saddle, head), (hub, head)):
        canvas.draw_line(start, end, 9, blue)
    canvas.draw_line(head, front, 8, blue)
    canvas.draw_line(head, (452.0, 138.0), 7, _INK)
    canvas.draw_line((452.0, 138.0), (498.0, 132.0), 8, _INK)
    canvas.draw_line(saddle, (298.0, 146.0), 7, _INK)
    canvas.fill_rectangle(262, 134, 76, 13, (92, 58, 40))
    canvas.draw_ring(345, 318, 30, 6, _INK)
    canvas.fill_disc(480, 120, 10, (220, 180, 60))
    return canvas


def _draw_valve() -> Canvas:
    canvas = Canvas(_WIDTH, _HEIGHT)
    canvas.fill_gradient(0, _HEIGHT, (238, 234, 226), (218, 212, 202))
    for number in range(9):
        canvas.fill_rectangle(40 + number * 46, 40, 36, 320, (250, 250, 248))
        canvas.fill_rectangle(72 + number * 46, 40, 5, 320, (206, 204, 198))
    canvas.fill_rectangle(30, 330, 470, 26, (244, 244, 240))
    canvas.fill_rectangle(500, 326, 60, 34, (176, 180, 184))
    canvas.fill_rectangle(520, 356, 26, 124, (200, 156, 110))
    canvas.fill_rectangle(560, 310, 96, 66, _WHITE)
    for number in range(8):
        canvas.fill_rectangle(566 + number * 11, 314, 4, 58, (214, 216, 218))
    canvas.fill_rectangle(600, 302, 14, 8, (196, 56, 48))
    return canvas


def _draw_floor_plan() -> Canvas:
    canvas = Canvas(_WIDTH, _HEIGHT, (248, 248, 246))
    canvas.fill_rectangle(30, 30, 660, 420, _INK)
    canvas.fill_rectangle(36, 36, 648, 408, _WHITE)
    for row in range(4):
        for place in range(8):
            colour = (232, 102, 60) if (row, place) == (1, 6) else _PALE
            canvas.fill_rectangle(66 + place * 74, 64 + row * 96, 60, 62, colour)
    canvas.fill_disc(650, 190, 18, (122, 84, 58))
    canvas.fill_disc(650, 190, 12, (222, 196, 168))
    canvas.fill_rectangle(320, 440, 90, 14, _WHITE)
    return canvas


def _draw_call_list(*, shows_names: bool) -> Canvas:
    canvas = Canvas(_WIDTH, _HEIGHT, (246, 247, 249))
    canvas.fill_rectangle(0, 0, _WIDTH, 52, (36, 87, 166))
    canvas.fill_rectangle(28, 20, 150, 13, _WHITE)
    for number in range(6):
        top = 70 + number * 66
        missed, called_back = number < 2, number == 1  # noqa: PLR2004 - two missed calls
        canvas.fill_rectangle(28, top, 664, 56, _WHITE)
        canvas.fill_rectangle(28, top, 5, 56, (204, 62, 54) if missed else _PALE)
        canvas.fill_disc(70, top + 28, 18, ((160, 186, 220), (222, 190, 160))[number % 2])
        canvas.fill_rectangle(104, top + 14, 120 + number * 29 % 90, 11, _INK)
        canvas.fill_rectangle(104, top + 34, 90 + number * 41 % 70, 8, (170, 178, 188))
        if called_back:
            tick = (46, 134, 84)
            canvas.draw_line((556.0, top + 28.0), (566.0, top + 39.0), 5, tick)
            canvas.draw_line((566.0, top + 39.0), (588.0, top + 15.0), 5, tick)
            if shows_names:
                canvas.fill_rectangle(604, top + 23, 62, 10, tick)
        elif missed:
            canvas.fill_rectangle(566, top + 14, 106, 28, (36, 87, 166))
            canvas.fill_rectangle(584, top + 24, 70, 8, _WHITE)
    return canvas


def _draw_harbour_header() -> Canvas:
    canvas = Canvas(600, 150)
    canvas.fill_gradient(0, 150, (29, 92, 122), (140, 190, 206))
    canvas.fill_below(_make_ridge(132, 26, 30, 0), (236, 242, 244))
    canvas.fill_below(_make_ridge(144, 26, 34, 60), (29, 92, 122))
    canvas.fill_rectangle(470, 28, 26, 82, _WHITE)
    for top in (44, 76):
        canvas.fill_rectangle(470, top, 26, 16, (196, 56, 48))
    canvas.fill_rectangle(464, 18, 38, 12, (58, 66, 77))
    canvas.fill_triangle(466, 500, 18, (483, 4), (196, 56, 48))
    _draw_boat(canvas, 150, 112, 34, (196, 56, 48))
    return canvas


def _draw_clocks_header() -> Canvas:
    canvas = Canvas(600, 150, (244, 236, 222))
    for number in range(5):
        x, radius = 80 + number * 110, 46 + number % 2 * 8
        canvas.fill_disc(x, 75, radius, (122, 75, 29))
        canvas.fill_disc(x, 75, radius - 6, (252, 248, 240))
        for mark in range(12):
            turn = mark * math.pi / 6
            far = radius - 12
            canvas.fill_disc(x + far * math.cos(turn), 75 + far * math.sin(turn), 2.2, _INK)
        # Close to midnight, each a little off.
        for length, turn in ((radius * 0.42, -0.06 * number), (radius * 0.68, 0.21 * number - 0.5)):
            end = (x + length * math.sin(turn), 75 - length * math.cos(turn))
            canvas.draw_line((float(x), 75.0), end, 4, _INK)
    return canvas


_RED, _GREEN, _BLUE = (204, 52, 46), (46, 120, 92), (40, 84, 150)
_PICTURES: Final[Mapping[str, Callable[[], Canvas]]] = {
    "lake-evening.png": _draw_lake_evening,
    "lake-morning.png": _draw_lake_morning,
    "harbour-1.png": lambda: _draw_harbour(((180, 360, 70, _BLUE), (480, 400, 96, _GREEN))),
    "harbour-2.png": lambda: _draw_harbour(((380, 410, 130, _RED),)),
    "harbour-3.png": lambda: _draw_harbour(
        ((120, 350, 50, _GREEN), (320, 372, 66, _RED), (560, 396, 84, _BLUE))
    ),
    "casa-azul-terrace.png": _draw_terrace,
    "IMG_1987.png": _draw_bicycle,
    "IMG_2041.png": _draw_valve,
    "connecta-floor-plan.png": _draw_floor_plan,
    "call-list-sketch.png": lambda: _draw_call_list(shows_names=False),
    "call-list-sketch-3.png": lambda: _draw_call_list(shows_names=True),
    "harbour-header.png": _draw_harbour_header,
    "clocks-header.png": _draw_clocks_header,
}
