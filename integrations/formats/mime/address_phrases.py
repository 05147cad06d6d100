"""Tokens of an address header, put together to addresses and display names."""

from __future__ import annotations

from . import headers
from .address_tokens import Token


def without_route(tokens: list[Token]) -> list[Token]:
    if not tokens or not tokens[0].is_special("@"):
        return tokens
    colon = next((place for place, token in enumerate(tokens) if token.is_special(":")), -1)
    return tokens[colon + 1 :]


def _are_joined(left: Token, right: Token) -> bool:
    """Return whether two words are parts of one address: white space may stand at dots alone."""
    if right.is_apart:
        return False
    return not right.is_spaced or left.text.endswith(".") or right.text.startswith(".")


def find_local_part(words: list[Token], at: int, start: int) -> int:
    """Return where the local part before the "@" begins; `at` if there is none."""
    first = right = at
    for place in range(at - 1, start - 1, -1):
        token = words[place]
        if token.kind == "comment":
            continue
        joins = _are_joined(token, words[right])
        is_beside = right == at and token.kind != "encoded" and not words[right].is_apart
        if token.kind == "special" or not (joins or is_beside):
            break
        first = right = place
    return first


def find_end(words: list[Token], at: int) -> int:
    """Return the end of the domain after the "@"; the "@"'s own if there is no domain."""
    end, left = at + 1, at
    is_literal = False
    for place in range(at + 1, len(words)):
        token = words[place]
        if token.kind == "comment":
            continue
        is_literal = is_literal or (left == at and token.text.startswith("["))
        is_part = token.kind == "word" or (is_literal and token.is_special(":"))
        is_beside = left == at and not token.is_apart
        if not is_part or not (is_beside or _are_joined(words[left], token)):
            break
        end, left = place + 1, place
    return end


def continues(words: list[Token], end: int) -> bool:
    """Return whether a further "@" follows, as in `a@b@c`, which is no address."""
    return end < len(words) and words[end].is_special("@")


def join_address(tokens: list[Token]) -> str:
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


def join_name(tokens: list[Token]) -> str:
    """Return the display name that the tokens are; a comment alone has no parentheses."""
    if all(token.kind == "comment" for token in tokens):
        return headers.text(" ".join(token.text for token in tokens))
    spaced = (f" {token.in_name}" if token.is_spaced else token.in_name for token in tokens)
    return headers.text("".join(spaced))
