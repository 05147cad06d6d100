"""
Addresses of mail: who wrote a message, and who receives it.

Reads RFC 5322 with its obsolete forms (§4.4) and RFC 6532 (UTF-8), and never raises. The standard
library has two readers of its own; what they return differs between patch levels of Python.

- The address in angle brackets is the address. The other words of the entry are the display name.
- Each address that is written is an entry, unless it stands before angle brackets.
- Structure is read before encoded words are decoded, so that a comma in an encoded word cannot
  add a recipient.
- Text without an address is kept as a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from . import addresses_in_names, headers
from .address_tokens import Token, Tokens

#: Of one header's value, in characters. The rest is not read.
MAX_LENGTH: Final = 64 * 1024
#: Of all headers of one name.
MAX_ADDRESSES: Final = 2_000
#: Characters of an address: those of a line (RFC 5322, 2.1.1). A longer one is text.
MAX_ADDRESS: Final = 998

# What most mail says: an address, with or without a name, neither with a special form.
_PLAIN: Final = re.compile(
    r"(?:(?:([\w=?+/*-]+(?: [\w=?+/*-]+)*)|\"([^\"\\<>@,;:()]+)\") )?"
    r"(<)?([\w+-]+(?:\.[\w+-]+)*@[\w-]+(?:\.[\w-]+)+)(>)?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Address:
    """
    One entry of an address header.

    :param name: the display name, decoded and printable; may be empty
    :param address: as it is written; empty if the entry has none, and perhaps not a valid one
    """

    name: str
    address: str


def read_addresses(text: str) -> list[Address]:
    """
    Return the entries of an address header, in order; nothing is raised.

    :param text: the header's value; its encoded words are not decoded yet
    """
    return _read_plain(text) or _Reader(text[:MAX_LENGTH]).read()


def read_headers(values: Iterable[str]) -> tuple[Address, ...]:
    """Return the entries of all headers of one name, at most `MAX_ADDRESSES`."""
    found: list[Address] = []
    for value in values:
        found += read_addresses(value)
    return tuple(found[:MAX_ADDRESSES])


def names_another_address(address: Address) -> bool:
    """
    Return whether the display name contains an address that is not the entry's own.

    Letter case, width and invisible characters make no difference.
    """
    return addresses_in_names.has_another(address.name, address.address)


def _read_plain(text: str) -> list[Address]:
    """Return the entries of `text`, or none if one of them may have a special form."""
    found: list[Address] = []
    for entry in text[:MAX_LENGTH].split(", ", MAX_ADDRESSES):
        match = _PLAIN.fullmatch(entry)
        if match is None:
            return []
        words, quoted, opening, address, closing = match.groups()
        name = words or quoted or ""
        if (opening is None) is not (closing is None) or (name and opening is None):
            return []
        found.append(Address(headers.text(name), address))
    return found


class _Reader:
    """Reads one header value, token by token."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._found: list[Address] = []
        # Tokens of the entry that are not part of an address in angle brackets.
        self._words: list[Token] = []
        # Tokens within angle brackets; None outside.
        self._angle: list[Token] | None = None
        # Of the entry: whether an address was read; whether `_words` has an "@".
        self._has_address = self._has_at = False
        # Whether a ">" that closes nothing was left out: it does not join its neighbours.
        self._is_after_stray = False
        # The name of the group, and how many entries were read before it began.
        self._group: tuple[list[Token], int] | None = None

    def read(self) -> list[Address]:
        for token in Tokens(self._text):
            if len(self._found) >= MAX_ADDRESSES:
                break
            if self._angle is not None:
                self._take_in_angle(self._angle, token)
            elif token.kind == "special":
                self._take_special(token)
            else:
                self._words.append(
                    token._replace(is_spaced=True) if self._is_after_stray else token
                )
                self._is_after_stray = False
        self._end_angle(is_closed=False)
        self._end_entry()
        self._end_group()
        if not self._found and (shown := headers.text(self._text)):
            return [Address(shown, "")]
        return self._found[:MAX_ADDRESSES]

    def _take_special(self, token: Token) -> None:
        if token.text == "<":
            self._angle = []
        elif token.text in {",", ";"}:
            self._end_entry()
            if token.text == ";":
                self._end_group()
        elif token.text == ":" and not self._has_at and not self._has_address:
            self._end_group()
            self._group = (self._words, len(self._found))
            self._words = []
        elif token.text == ">":
            self._is_after_stray = True
        else:
            self._has_at = self._has_at or token.text == "@"
            self._words.append(token)

    def _take_in_angle(self, angle: list[Token], token: Token) -> None:
        # A route: `<@one.example,@two.example:alice@three.example>`.
        is_route = bool(angle) and angle[0].is_special("@")
        if token.is_special(">"):
            self._end_angle(is_closed=True)
        elif token.is_special("<"):
            if angle:
                self._keep_as_words(angle)
            self._angle = []
        elif token.is_special(";") or (token.is_special(",") and not is_route):
            self._end_angle(is_closed=False)
            self._take_special(token)
        else:
            angle.append(token)

    def _keep_as_words(self, tokens: list[Token], closing: str = "") -> None:
        """Make what stands in angle brackets a part of the name."""
        self._words += [Token("word", "<", is_spaced=True), *tokens]
        if closing:
            self._words.append(Token("word", closing, is_spaced=False))
        self._has_at = self._has_at or any(token.is_special("@") for token in tokens)

    def _end_angle(self, *, is_closed: bool) -> None:
        angle, self._angle = self._angle, None
        if angle is None:
            return
        tokens = _without_route(angle)
        address = _join_address(tokens)
        at_count = sum(token.is_special("@") for token in tokens)
        # Without "@" and not closed: "I <3 mail".
        if at_count > 1 or len(address) > MAX_ADDRESS or not (at_count or is_closed):
            self._keep_as_words(angle, ">" if is_closed else "")
        else:
            self._add(self._words, address, angle)
            self._words, self._has_at = [], False

    def _add(self, words: list[Token], address: str, tokens: list[Token]) -> None:
        """Add an entry. Comments among the `tokens` of its address name it if nothing else does."""
        comments = [token for token in tokens if token.kind == "comment"]
        name, address = _join_name(words) or _join_name(comments), headers.printable(address)
        if name or address:
            self._found.append(Address(name, address))
        self._has_address = True

    def _end_entry(self) -> None:
        rest = self._take_bare_addresses()
        if rest and self._has_address and self._found:
            last = self._found[-1]
            words = [Token("word", last.name, is_spaced=False)] if last.name else []
            self._found[-1] = Address(_join_name([*words, *rest]), last.address)
        elif rest:
            self._add_text(rest)
        self._words, self._has_at, self._has_address = [], False, False

    def _take_bare_addresses(self) -> list[Token]:
        """Add each address that stands without brackets. Return the words after the last."""
        words, start, position = self._words, 0, 0
        while self._has_at and position < len(words):
            if not words[position].is_special("@"):
                position += 1
                continue
            first, end = _find_local_part(words, position, start), _find_end(words, position)
            address = _join_address(words[first:end])
            is_address = first < position < end - 1 and len(address) <= MAX_ADDRESS
            if is_address and not _continues(words, end):
                self._add(words[start:first], address, words[first:end])
                start = end
            while _continues(words, end):
                end = _find_end(words, end)
            position = end
        return words[start:]

    def _add_text(self, words: list[Token]) -> None:
        """Add an entry without "@": a single word is the address of a local mailbox."""
        at_count = sum(token.is_special("@") for token in words)
        is_word = at_count <= 1 and all(token.kind in {"word", "special"} for token in words)
        if is_word and not any(token.is_spaced for token in words[1:]):
            self._add([], _join_address(words), [])
        else:
            self._add(words, "", [])

    def _end_group(self) -> None:
        if self._group is not None:
            name, count = self._group
            self._group = None
            if len(self._found) == count:
                self._add(name, "", [])
                self._has_address = False


def _without_route(tokens: list[Token]) -> list[Token]:
    if not tokens or not tokens[0].is_special("@"):
        return tokens
    colon = next((place for place, token in enumerate(tokens) if token.is_special(":")), -1)
    return tokens[colon + 1 :]


def _are_joined(left: Token, right: Token) -> bool:
    """Return whether two words are parts of one address: white space may stand at dots alone."""
    return not right.is_spaced or left.text.endswith(".") or right.text.startswith(".")


def _find_local_part(words: list[Token], at: int, start: int) -> int:
    """Return where the local part before the "@" begins; `at` if there is none."""
    first = right = at
    for place in range(at - 1, start - 1, -1):
        token = words[place]
        if token.kind == "comment":
            continue
        joins = _are_joined(token, words[right])
        if token.kind == "special" or not (joins or (right == at and token.kind != "encoded")):
            break
        first = right = place
    return first


def _find_end(words: list[Token], at: int) -> int:
    """Return the end of the domain after the "@"; the "@"'s own if there is no domain."""
    end, left = at + 1, at
    is_literal = False
    for place in range(at + 1, len(words)):
        token = words[place]
        if token.kind == "comment":
            continue
        is_literal = is_literal or (left == at and token.text.startswith("["))
        is_part = token.kind == "word" or (is_literal and token.is_special(":"))
        if not is_part or not (left == at or _are_joined(words[left], token)):
            break
        end, left = place + 1, place
    return end


def _continues(words: list[Token], end: int) -> bool:
    """Return whether a further "@" follows, as in `a@b@c`, which is no address."""
    return end < len(words) and words[end].is_special("@")


def _join_address(tokens: list[Token]) -> str:
    """Return an address without its comments and the white space at its dots."""
    parts: list[str] = []
    left: Token | None = None
    for token in tokens:
        if token.kind == "comment":
            continue
        is_loose = left is not None and not (
            _are_joined(left, token) or left.kind == "special" or token.kind == "special"
        )
        parts.append(f" {token.text}" if is_loose else token.text)
        left = token
    return "".join(parts)


def _join_name(tokens: list[Token]) -> str:
    """Return the display name that the tokens are; a comment alone has no parentheses."""
    if all(token.kind == "comment" for token in tokens):
        return headers.text(" ".join(token.text for token in tokens))
    spaced = (f" {token.in_name}" if token.is_spaced else token.in_name for token in tokens)
    return headers.text("".join(spaced))
