"""Contact sheets: a page of small pictures per group, an image of each, and an index."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from tests.browser import chromium
from tests.contact_sheets.photographs import VIEWS, name_picture
from tests.contact_sheets.rendering import Page

# States of one image; a browser draws no page of any height.
_MOST = 14
_STYLE = """
body { font: 15px/1.4 system-ui, sans-serif; margin: 24px; background: #f4f4f6; color: #16161c }
.sheet { display: grid; grid-template-columns: repeat(auto-fill, minmax(860px, 1fr)); gap: 20px }
figure { margin: 0; background: #fff; border: 1px solid #d6d6de; border-radius: 8px; padding: 12px }
figcaption { font-weight: 600; margin-bottom: 8px }
.views { display: flex; gap: 8px; align-items: flex-start }
.views a { display: block; height: 430px; overflow: hidden; border: 1px solid #d6d6de }
.views img { display: block; width: 100% }
.desktop, .dark { width: 285px } .phone, .phone-dark { width: 125px }
.problems { color: #a40022 }
"""


def write_sheets(pages: Sequence[Page], folder: Path, problems: Sequence[str]) -> None:
    """Write `index.html`, and `GROUP-1.png`, `GROUP-2.png` and so on."""
    groups: dict[str, list[Page]] = {}
    for page in pages:
        if not page.is_document:
            continue
        groups.setdefault(page.state.group, []).append(page)
    index = "".join(
        f"<h2>{escape(title)}</h2>{_render_sheet(members)}" for title, members in groups.items()
    )
    lines = "".join(f"<li>{escape(problem)}</li>" for problem in problems)
    found = f'<ul class="problems">{lines}</ul>' if problems else "<p>No problems were found.</p>"
    count = f"<p>{len(pages)} states, each on a desktop, on a phone, and in dark mode.</p>"
    body = f"<h1>Contact sheets</h1>{count}{found}{index}"
    (folder / "index.html").write_text(_render_document("Contact sheets", body), encoding="utf-8")
    with chromium.run_browser() as browser:
        tab = browser.new_page(viewport={"width": 1840, "height": 1000})
        for members in groups.values():
            parts = [members[start : start + _MOST] for start in range(0, len(members), _MOST)]
            for number, part in enumerate(parts, 1):
                key = part[0].state.name.partition("/")[0]
                file = folder / f"{key}-{number}.html"
                file.write_text(_render_document(key, _render_sheet(part)), encoding="utf-8")
                tab.goto(file.as_uri())
                tab.screenshot(path=file.with_suffix(".png"), full_page=True)
                file.unlink()


def _render_sheet(pages: Sequence[Page]) -> str:
    return f'<div class="sheet">{"".join(_render_figure(page) for page in pages)}</div>'


def _render_figure(page: Page) -> str:
    views = "".join(
        f'<a class="{view.key}" href="{name_picture(page, view)}">'
        f'<img src="{name_picture(page, view)}" alt="{view.key}"></a>'
        for view in VIEWS
    )
    name = escape(page.state.name)
    return f'<figure><figcaption>{name}</figcaption><div class="views">{views}</div></figure>'


def _render_document(title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style><body>{body}</body></html>"
    )
