"""Opens rendered pages in Chromium: takes pictures of each, and notes what is wrong with it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from axe_playwright_python.base import AXE_SCRIPT

from tests.browser import chromium
from tests.browser.test_accessibility import ALL, COLOURS, DRAWN
from tests.contact_sheets.page_server import PageServer, run_page_server
from tests.contact_sheets.rendering import Page

# Pixels of a page; the rest of a longer one is not in its picture.
TALLEST = 6000
_QUALITY = 75
# Of values that the state has wrong on purpose, as somebody typed them without this browser.
_WRONG_VALUES = ("must be a valid CSS color", "does not conform to the required format")
_IMPACTS = frozenset({"serious", "critical"})
# Frames load when they are scrolled to; a picture is of the whole page.
_LOAD_FRAMES = """() => Promise.all([...document.querySelectorAll('iframe')].map(frame => {
  if (frame.loading !== 'lazy') return null;
  return new Promise(then => {
    frame.onload = then; frame.loading = 'eager'; setTimeout(then, 3000)
  })
}))"""


@dataclass(frozen=True, slots=True)
class View:
    """:param axe: options of the run of axe; colours alone where only the scheme differs"""

    key: str
    width: int
    height: int
    scheme: str
    axe: str


VIEWS = (
    View("desktop", 1280, 900, "light", ALL),
    View("phone", 390, 844, "light", ALL),
    View("dark", 1280, 900, "dark", COLOURS),
    View("phone-dark", 390, 844, "dark", COLOURS),
)


def take_photographs(pages: Sequence[Page], folder: Path) -> list[str]:
    """
    Write a picture of each page in each view to `folder`; return a line for each problem.

    Playwright's loop runs in threads of its own: Django takes a thread with a loop for
    asynchronous code.
    """
    count = min(os.cpu_count() or 1, 4)
    whole = [page for page in pages if page.is_document]
    parts = [whole[start::count] for start in range(count)]
    with ThreadPoolExecutor(count) as threads:
        found = list(threads.map(lambda part: _photograph_part(part, folder), parts))
    return sorted(problem for problems in found for problem in problems)


def name_picture(page: Page, view: View) -> str:
    """Return the path of a picture in the folder."""
    return f"states/{page.state.name}.{view.key}.jpg"


def _photograph_part(pages: Sequence[Page], folder: Path) -> list[str]:
    problems: list[str] = []
    if not pages:
        return problems
    with run_page_server() as server, chromium.run_browser() as browser:
        for page in pages:
            context = browser.new_context(reduced_motion="reduce")
            try:
                problems += _photograph_page(context, server, page, folder)
            finally:
                context.close()
    return problems


def _photograph_page(context: Any, server: PageServer, page: Page, folder: Path) -> list[str]:
    problems: list[str] = []
    _listen(context, server, page, problems)
    server.shown = page
    tab = context.new_page()
    tab.set_viewport_size({"width": VIEWS[0].width, "height": VIEWS[0].height})
    tab.goto(f"{server.url}{page.path}")
    tab.evaluate(_LOAD_FRAMES)
    # The API reference is drawn by a script.
    tab.wait_for_function("() => !document.querySelector('[data-document]:not([data-shown])')")
    tab.evaluate(AXE_SCRIPT)
    for view in VIEWS:
        tab.set_viewport_size({"width": view.width, "height": view.height})
        tab.emulate_media(color_scheme=view.scheme)
        tab.evaluate(DRAWN)
        problems += _check_view(tab, page, view)
        path = folder / name_picture(page, view)
        path.parent.mkdir(parents=True, exist_ok=True)
        height = min(tab.evaluate("document.documentElement.scrollHeight"), TALLEST)
        tab.screenshot(
            path=path,
            full_page=True,
            clip={"x": 0, "y": 0, "width": view.width, "height": height},
            type="jpeg",
            quality=_QUALITY,
        )
    return problems


def _listen(context: Any, server: PageServer, page: Page, problems: list[str]) -> None:
    name = page.state.name

    def hear(message: Any) -> None:
        path = message.location["url"].removeprefix(server.url)
        answer = server.find_answer(path)
        # The browser reports each answer that is an error, and values of the wrong form.
        is_expected = answer is not None and answer.status >= 400
        is_expected |= any(words in message.text for words in _WRONG_VALUES)
        # A page that names no icon: the browser asks for the usual one.
        is_expected |= path == "/favicon.ico"
        if message.type in {"error", "warning"} and not is_expected:
            problems.append(f"{name}: console: {message.text[:300]} ({path})")

    def see(request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme.startswith("http") and parts.netloc != urlsplit(server.url).netloc:
            problems.append(f"{name}: a request to {parts.netloc}")

    context.on("console", hear)
    context.on("request", see)
    context.on("weberror", lambda error: problems.append(f"{name}: {error.error}"))


# Redoc draws the API reference, with a menu that axe finds fault with. The same reference is on the
# plain page, which is checked as a whole.
_OWN_PARTS: Final = "{exclude: [['[data-document]']]}"


def _check_view(tab: Any, page: Page, view: View) -> list[str]:
    label = f"{page.state.name} {view.key}"
    problems = [
        f"{label}: {violation['id']}: {node['target']} {node['html'][:160]}"
        for violation in tab.evaluate(f"() => axe.run({_OWN_PARTS}, {view.axe})")["violations"]
        if violation["impact"] in _IMPACTS
        for node in violation["nodes"]
    ]
    wide = tab.evaluate("document.documentElement.scrollWidth") - view.width
    return problems + ([f"{label}: {wide} pixels too wide"] if wide > 0 else [])
