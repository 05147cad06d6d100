"""Join tokens of an address header to addresses and display names."""

from __future__ import annotations

from . import headers
from .address_tokens import AddressToken


def strip_route(tokens: list[AddressToken]) -> list[AddressToken]:
    if not tokens or not tokens[0].is_special("@"):
        return tokens
    colon = next((index for index, token in enumerate(tokens) if token.is_special(":")), -1)
    return tokens[colon + 1 :]


def _are_joined(left: AddressToken, right: AddressToken) -> bool:
    """White space may surround dots only."""
    if right.is_apart:
        return False
    return not right.is_spaced or left.text.endswith(".") or right.text.startswith(".")


def find_local_part(words: list[AddressToken], at: int, start: int) -> int:
    """Return the start of the local part before the "@" at `at`; `at` if none."""
    first = right = at
    for index in range(at - 1, start - 1, -1):
        token = words[index]
        if token.kind == "comment":
            continue
        joins = _are_joined(token, words[right])
        is_beside = right == at and token.kind != "encoded" and not words[right].is_apart
        if token.kind == "special" or not (joins or is_beside):
            break
        first = right = index
    return first


def find_domain_end(words: list[AddressToken], at: int) -> int:
    """Return the end of the domain after the "@" at `at`; `at + 1` if none."""
    end, left = at + 1, at
    is_literal = False
    for index in range(at + 1, len(words)):
        token = words[index]
        if token.kind == "comment":
            continue
        is_literal = is_literal or (left == at and token.text.startswith("["))
        is_part = token.kind == "word" or (is_literal and token.is_special(":"))
        is_beside = left == at and not token.is_apart
        if not is_part or not (is_beside or _are_joined(words[left], token)):
            break
        end, left = index + 1, index
    return end


def has_another_at(words: list[AddressToken], end: int) -> bool:
    """`a@b@c` is not an address."""
    return end < len(words) and words[end].is_special("@")


def join_address(tokens: list[AddressToken]) -> str:
    parts: list[str] = []
    left: AddressToken | None = None
    for token in tokens:
        if token.kind == "comment":
            continue
        is_loose = left is not None and not (
            _are_joined(left, token) or left.kind == "special" or token.kind == "special"
        )
        parts.append(f" {token.text}" if is_loose else token.text)
        left = token
    return "".join(parts)


def join_name(tokens: list[AddressToken]) -> str:
    """A name that is only a comment loses its parentheses."""
    if all(token.kind == "comment" for token in tokens):
        return headers.decode_text(" ".join(token.text for token in tokens))
    spaced = (f" {token.in_name}" if token.is_spaced else token.in_name for token in tokens)
    return headers.decode_text("".join(spaced))
