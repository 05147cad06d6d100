from __future__ import annotations

from typing import Final, NamedTuple

from . import address_phrases, headers
from .address_tokens import AddressToken, AddressTokens

#: For all headers of one name.
MAX_ADDRESSES: Final = 2_000
#: The length of a line (RFC 5322, 2.1.1). A longer address is text.
MAX_ADDRESS: Final = 998


class AddressEntry(NamedTuple):
    name: str
    address: str


class AddressReader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._entries: list[AddressEntry] = []
        # Tokens of the entry outside angle brackets.
        self._words: list[AddressToken] = []
        # Tokens inside open angle brackets; None outside.
        self._angle: list[AddressToken] | None = None
        # Whether the entry has an address, and whether `_words` has an "@".
        self._has_address = self._has_at = False
        # Tokens of the last entry, if its angle brackets have no "@": "Max <Firm>".
        self._doubtful: list[AddressToken] = []
        # Whether an unmatched ">" was dropped: its neighbours are not joined.
        self._is_after_stray = False
        # The group's name, and the number of entries before the group.
        self._group: tuple[list[AddressToken], int] | None = None

    def read_entries(self) -> list[AddressEntry]:
        for token in AddressTokens(self._text):
            if len(self._entries) >= MAX_ADDRESSES:
                break
            if self._angle is not None:
                self._take_in_angle(self._angle, token)
            elif token.kind == "special":
                self._take_special(token)
            else:
                self._keep_as_word(token)
        self._end_angle(is_closed=False)
        self._end_entry()
        self._end_group()
        if not self._entries and (text := headers.decode_text(self._text)):
            return [AddressEntry(text, "")]
        return self._entries[:MAX_ADDRESSES]

    def _take_special(self, token: AddressToken) -> None:
        if token.text == "<":
            self._angle = []
        elif token.text in {",", ";"}:
            self._end_entry()
            if token.text == ";":
                self._end_group()
        elif token.text == ":" and not self._has_at and not self._has_address:
            self._end_group()
            self._group = (self._words, len(self._entries))
            self._words = []
        elif token.text == ">":
            self._is_after_stray = True
        else:
            self._has_at = self._has_at or token.text == "@"
            self._keep_as_word(token)

    def _keep_as_word(self, token: AddressToken) -> None:
        is_apart, self._is_after_stray = self._is_after_stray, False
        is_spaced = token.is_spaced or is_apart
        self._words.append(token._replace(is_spaced=is_spaced, is_apart=is_apart))

    def _take_in_angle(self, angle: list[AddressToken], token: AddressToken) -> None:
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

    def _keep_as_words(self, tokens: list[AddressToken], closing: str = "") -> None:
        self._words += _in_brackets(tokens, closing)
        self._has_at = self._has_at or any(token.is_special("@") for token in tokens)

    def _end_angle(self, *, is_closed: bool) -> None:
        angle, self._angle = self._angle, None
        if angle is None:
            return
        tokens = address_phrases.strip_route(angle)
        address = address_phrases.join_address(tokens)
        at_count = sum(token.is_special("@") for token in tokens)
        # Without "@" and not closed: "I <3 mail".
        if at_count > 1 or len(address) > MAX_ADDRESS or not (at_count or is_closed):
            self._keep_as_words(angle, ">" if is_closed else "")
        else:
            self._add_bracketed(address, angle, has_at=bool(at_count))

    def _add_bracketed(self, address: str, angle: list[AddressToken], *, has_at: bool) -> None:
        words, doubtful = self._words, self._doubtful
        if doubtful:
            # "Max <Firm> <max@firm.example>": "Max <Firm>" is the name.
            self._entries.pop()
            words = doubtful + words
        count = len(self._entries)
        self._add_entry(words, address, angle)
        is_doubtful = not has_at and len(self._entries) > count
        self._doubtful = [*words, *_in_brackets(angle, ">")] if is_doubtful else []
        self._words, self._has_at = [], False

    def _add_entry(
        self, words: list[AddressToken], address: str, tokens: list[AddressToken]
    ) -> None:
        """Without a name, comments among the address `tokens` are the name."""
        comments = [token for token in tokens if token.kind == "comment"]
        name, address = (
            address_phrases.join_name(words) or address_phrases.join_name(comments),
            headers.make_printable(address),
        )
        if name or address:
            self._entries.append(AddressEntry(name, address))
        self._has_address = True

    def _end_entry(self) -> None:
        rest = self._take_bare_addresses()
        if rest and self._has_address and self._entries:
            last = self._entries[-1]
            words = [AddressToken("word", last.name, is_spaced=False)] if last.name else []
            self._entries[-1] = AddressEntry(
                address_phrases.join_name([*words, *rest]), last.address
            )
        elif rest:
            self._add_text(rest)
        self._words, self._doubtful = [], []
        self._has_at = self._has_address = False

    def _take_bare_addresses(self) -> list[AddressToken]:
        """Return the words after the last address."""
        words, start, position = self._words, 0, 0
        while self._has_at and position < len(words):
            if not words[position].is_special("@"):
                position += 1
                continue
            first, end = (
                address_phrases.find_local_part(words, position, start),
                address_phrases.find_domain_end(words, position),
            )
            address = address_phrases.join_address(words[first:end])
            is_address = first < position < end - 1 and len(address) <= MAX_ADDRESS
            if is_address and not address_phrases.has_another_at(words, end):
                self._add_entry(words[start:first], address, words[first:end])
                start = end
            while address_phrases.has_another_at(words, end):
                end = address_phrases.find_domain_end(words, end)
            position = end
        return words[start:]

    def _add_text(self, words: list[AddressToken]) -> None:
        """Without "@", a single word is the address of a local mailbox."""
        at_count = sum(token.is_special("@") for token in words)
        is_word = at_count <= 1 and all(
            token.kind in {"word", "special"} and token.text not in {"<", ">"} for token in words
        )
        if is_word and not any(token.is_spaced for token in words[1:]):
            self._add_entry([], address_phrases.join_address(words), [])
        else:
            self._add_entry(words, "", [])

    def _end_group(self) -> None:
        if self._group is not None:
            name, count = self._group
            self._group = None
            if len(self._entries) == count:
                self._add_entry(name, "", [])
                self._has_address = False


def _in_brackets(tokens: list[AddressToken], closing: str) -> list[AddressToken]:
    """Brackets join a name, never an address."""
    opened = AddressToken("word", "<", is_spaced=True, is_apart=True)
    first = [token._replace(is_apart=True) for token in tokens[:1]]
    closed = [AddressToken("word", closing, is_spaced=False, is_apart=True)] if closing else []
    return [opened, *first, *tokens[1:], *closed]
