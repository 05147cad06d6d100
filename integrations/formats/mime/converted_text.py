"""The plain text that Exchange made HTML of, because Graph shows every body as HTML."""

from __future__ import annotations

import html
import re
from typing import Final

# Exchange writes this comment into the head of the HTML.
_MARK: Final = "<!-- converted from text -->"
_BEGINNING: Final = 2_000
_BODY: Final = re.compile(r"<body[^>]{0,2000}>", re.IGNORECASE)
_LINE: Final = re.compile(r"<br ?/?>|</p>", re.IGNORECASE)
# Without another "<" within: text of nothing else is read in one pass.
_TAG: Final = re.compile(r"<[^<>]{0,2000}>")


def was_text(markup: str) -> bool:
    """Return whether Exchange made this HTML of a plain text."""
    return _MARK in markup[:_BEGINNING]


def restore_text(markup: str) -> str:
    """Return the plain text that Exchange made this HTML of, line by line."""
    body = _BODY.search(markup[:_BEGINNING])
    content = markup[body.end() :] if body else markup
    # A line of the HTML ends where no line of the text does.
    lines = _LINE.sub("\x00", content.replace("\r", "").replace("\n", ""))
    words = html.unescape(_TAG.sub("", lines)).replace("\N{NO-BREAK SPACE}", " ")
    return words.replace("\x00", "\n")
