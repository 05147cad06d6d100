"""Read a page's parts out of its HTML."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser


class _Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.elements = []
        self.text = []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)


def _read(html):
    reader = _Reader()
    reader.feed(html)
    return reader


def text(html):
    """Return the words of a page, white space made one."""
    return " ".join("".join(_read(html).text).split())


def elements(html, *classes):
    """Return the attributes of what carries every one of `classes`."""
    wanted = set(classes)
    return [at for _, at in _read(html).elements if wanted <= set((at.get("class") or "").split())]


def links(html):
    return [at["href"] for tag, at in _read(html).elements if tag == "a" and at.get("href")]


def cards(html):
    """Return the cards of connected accounts."""
    section = re.search(r'<section aria-labelledby="connected">(.*?)</section>', html, re.DOTALL)
    return re.findall(r'<article class="card".*?</article>', section[1], re.DOTALL)


def form_values(html) -> dict[str, str | list[str]]:
    """Return what a browser would send of the form of an event as it stands."""
    form = html[html.index('class="card event-form"') :]
    said: dict[str, str | list[str]] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        kind, name = (_attribute(tag, one) for one in ("type", "name"))
        if kind in {"checkbox", "radio"}:
            if " checked" not in tag:
                continue
            if name == "weekdays":
                said.setdefault(name, []).append(_attribute(tag, "value"))
                continue
        said[name] = _attribute(tag, "value") or ("on" if kind == "checkbox" else "")
    for name, inside in re.findall(r'<select name="(\w+)".*?>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r"<option([^>]*) selected([^>]*)>([^<]*)", inside)
        value = re.search(r'value="([^"]*)"', chosen[1] + chosen[2]) if chosen else None
        said[name] = value[1] if value else chosen[3] if chosen else ""
    for name, typed in re.findall(
        r'<textarea name="(\w+)"[^>]*>\n(.*?)</textarea>', form, re.DOTALL
    ):
        said[name] = unescape(typed)
    said.pop("csrfmiddlewaretoken", None)
    return said


def _attribute(tag, name) -> str:
    found = re.search(rf'{name}="([^"]*)"', tag)
    return unescape(found[1]) if found else ""
