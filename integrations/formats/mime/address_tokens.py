"""Tokens of an address header (RFC 5322, 3.2), in one pass without recursion."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

#: Nested comments. Deeper ones are text.
MAX_COMMENT_DEPTH: Final = 50

_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_COMMENT_MARK: Final = re.compile(r"\\.|[()]", re.DOTALL)
# A domain in brackets (`[192.0.2.1]`) is a word, and so is text without special characters.
_UNQUOTED_PATTERN: Final = r"""
    (?P<space>\s+)
  | (?P<encoded>=\?[^?\s]{1,60}\?[bBqQ]\?[^?\s]*\?=)
  | (?P<word>[^\s()<>@,;:"]+)
  | (?P<special>[()<>@,;:"])
"""
_UNQUOTED: Final = re.compile(_UNQUOTED_PATTERN, re.VERBOSE)
_TOKEN: Final = re.compile(
    r'(?P<quoted>"(?:[^"\\]++|\\.)*+") |' + _UNQUOTED_PATTERN, re.DOTALL | re.VERBOSE
)

TokenKind = Literal["word", "encoded", "quoted", "comment", "special"]


class AddressToken(NamedTuple):
    """
    :param text: as written; for a comment, its content
    :param is_spaced: after white space or a comment
    :param is_apart: after an unmatched ">", so the token joins no address
    """

    kind: TokenKind
    text: str
    is_spaced: bool
    is_apart: bool = False

    def is_special(self, character: str) -> bool:
        return self.kind == "special" and self.text == character

    @property
    def in_name(self) -> str:
        if self.kind == "quoted":
            return _unescape_text(self.text[1:-1])
        return f"({self.text})" if self.kind == "comment" else self.text


def _unescape_text(text: str) -> str:
    return _ESCAPED.sub(r"\1", text) if "\\" in text else text


class AddressTokens:
    """
    An unclosed quote or parenthesis is a word, and ends the search for others: the time stays
    linear.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self._is_spaced = False
        self._pattern = _TOKEN
        self._comments_close = True

    def __iter__(self) -> Iterator[AddressToken]:
        while match := self._pattern.match(self._text, self._position):
            if match.lastgroup == "space":
                self._position, self._is_spaced = match.end(), True
                continue
            token = self._read_token(match)
            yield token
            # A comment separates words as white space does.
            self._is_spaced = token.kind == "comment"

    def _read_token(self, match: re.Match[str]) -> AddressToken:
        start, text = match.start(), match[0]
        self._position = match.end()
        if text == '"':
            self._pattern = _UNQUOTED
            return self._make_token("word", text)
        if text == "(" and self._comments_close:
            if end := self._find_comment_end(start):
                self._position = end
                return self._make_token("comment", _unescape_text(self._text[start + 1 : end - 1]))
            self._comments_close = False
        if text in {"(", ")"}:
            return self._make_token("word", text)
        return self._make_token(match.lastgroup, text)  # type: ignore[arg-type]

    def _make_token(self, kind: TokenKind, text: str) -> AddressToken:
        return AddressToken(kind, text, self._is_spaced)

    def _find_comment_end(self, start: int) -> int:
        """Return 0 if the comment is unclosed or too deep."""
        depth = 0
        for mark in _COMMENT_MARK.finditer(self._text, start):
            if mark[0] == "(":
                depth += 1
            elif mark[0] == ")":
                depth -= 1
            if depth > MAX_COMMENT_DEPTH:
                return 0
            if not depth:
                return mark.end()
        return 0
