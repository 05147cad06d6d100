"""Convert a signature to plain text, with its lines."""

from __future__ import annotations

import html
import re
from typing import Final

_BREAK: Final = re.compile(r"<br ?/?>", re.IGNORECASE)
_BLOCK: Final = re.compile(
    r"</?(?:p|div|blockquote|table|tbody|tr|ul|ol|li|h[1-6])(?:\s[^<>]{0,2000})?>", re.IGNORECASE
)
# No "<" inside, so that matching stays linear.
_TAG: Final = re.compile(r"<[^<>]{0,2000}>")
# A line break at the end of a block adds no line.
_EDGES: Final = re.compile(r"\n[ \0]*\0|\0[ \0]*")
_BLANK_LINES: Final = re.compile(r"\n{3,}")


def convert_signature(markup: str) -> str:
    """:param markup: sanitised HTML"""
    # Line ends of the HTML are not line ends of the text. NUL marks the edge of a block.
    text = _BREAK.sub("\n", " ".join(markup.split()))
    text = _TAG.sub("", _BLOCK.sub("\0", text))
    lines = _EDGES.sub("\n", text).split("\n")
    plain = "\n".join(" ".join(html.unescape(line).split()) for line in lines)
    return _BLANK_LINES.sub("\n\n", plain).strip()
