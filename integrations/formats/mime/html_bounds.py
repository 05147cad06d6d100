"""
Count the known causes of slow HTML parsing in one pass, to decide whether HTML is cheap to parse.

The counts are upper bounds for markup of mail programs; the parser process limits other markup.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from . import html_allowlist

#: Open elements: deep nesting takes the parser quadratic time.
MAX_DEPTH: Final = 1_000
MAX_TAGS: Final = 200_000
#: Attributes of one tag: each is compared with the previous ones.
MAX_ATTRIBUTES: Final = 200
#: Formatting elements that a parser reopens, over all blocks.
MAX_REOPENED: Final = 200_000
MAX_REFERENCES: Final = 100_000

_TAG: Final = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:-]*)([^<>]*)")
_QUOTED: Final = re.compile(r"\"[^\"]*\"|'[^']*'")
_WORD: Final = re.compile(r"[^\s/]+")
# A shorter tag cannot have too many.
_SHORTEST: Final = 2 * MAX_ATTRIBUTES
# So few tags are never too deep, and never reopened too often if half of them are formatting.
_FEW_TAGS: Final = 800


def is_within_bounds(html: str) -> bool:
    """Return whether `html` parses in linear time."""
    if html.count("&") > MAX_REFERENCES:
        return False
    if html.count("<") <= _FEW_TAGS:
        tags = html.split("<")[1:]
        return all(_has_few_attributes(tag) for tag in tags if _begins_tag(tag))
    count = _TagCounter()
    return all(count.count_tag(*tag.groups()) for tag in _TAG.finditer(html))


class _TagCounter:
    def __init__(self) -> None:
        self._open: Counter[str] = Counter()
        self._tags = self._depth = self._formatting = self._reopened = 0

    def count_tag(self, closing: str, written: str, attributes: str) -> bool:
        name = written.lower()
        self._tags += 1
        if closing:
            self._close_tag(name)
            return self._tags <= MAX_TAGS
        if name in html_allowlist.FORMATTING:
            self._formatting += 1
        else:
            self._reopened += self._formatting
        if name not in html_allowlist.SELF_CLOSING:
            self._open[name] += 1
            self._depth += 1
        return (
            self._tags <= MAX_TAGS
            and self._depth <= MAX_DEPTH
            and self._reopened <= MAX_REOPENED
            and _has_few_attributes(written + attributes)
        )

    def _close_tag(self, name: str) -> None:
        if self._open[name]:
            self._open[name] -= 1
            self._depth -= 1
            self._formatting -= name in html_allowlist.FORMATTING


def _begins_tag(text: str) -> bool:
    first = text[:1]
    return first.isalpha() and first.isascii()


def _has_few_attributes(tag: str) -> bool:
    if len(tag) < _SHORTEST:
        return True
    words = _WORD.findall(_QUOTED.sub("", tag.partition(">")[0]))
    # The first is the name.
    return len(words) <= MAX_ATTRIBUTES + 1
