"""Restore plain text from the HTML that Exchange made of it."""

from __future__ import annotations

import html
import re
from typing import Final

# Exchange writes this comment into the HTML head.
_MARK: Final = "<!-- converted from text -->"
_BEGINNING: Final = 2_000
_BODY: Final = re.compile(r"<body[^>]{0,2000}>", re.IGNORECASE)
_LINE: Final = re.compile(r"<br ?/?>|</p>", re.IGNORECASE)
# No "<" inside, so that matching stays linear.
_TAG: Final = re.compile(r"<[^<>]{0,2000}>")


def was_plain_text(markup: str) -> bool:
    return _MARK in markup[:_BEGINNING]


def restore_plain_text(markup: str) -> str:
    body = _BODY.search(markup[:_BEGINNING])
    content = markup[body.end() :] if body else markup
    # Line ends of the HTML are not line ends of the text.
    lines = _LINE.sub("\x00", content.replace("\r", "").replace("\n", ""))
    words = html.unescape(_TAG.sub("", lines)).replace("\N{NO-BREAK SPACE}", " ")
    return words.replace("\x00", "\n")
