"""Read a page's parts out of its HTML."""

from __future__ import annotations

import re
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
