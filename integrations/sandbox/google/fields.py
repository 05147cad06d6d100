"""Partial responses: `fields=messages(id,threadId),nextPageToken`."""

import re
from typing import Any

_TOKEN = re.compile(r"[(),/]|[^(),/\s]+")
Mask = dict[str, Any]


def parse(text: str) -> Mask:
    """
    A tree of names; an empty tree keeps everything below.

    :raises ValueError: brackets that do not match
    """
    tokens = _TOKEN.findall(text)
    mask, rest = _parse(tokens)
    if rest:
        raise ValueError(text)
    return mask


def _parse(tokens: list[str]) -> tuple[Mask, list[str]]:
    mask: Mask = {}
    while tokens and tokens[0] != ")":
        if tokens[0] == ",":
            tokens = tokens[1:]
            continue
        name, tokens = tokens[0], tokens[1:]
        below = mask.setdefault(name, {})
        while tokens and tokens[0] == "/":
            below = below.setdefault(tokens[1], {})
            tokens = tokens[2:]
        if tokens and tokens[0] == "(":
            inner, tokens = _parse(tokens[1:])
            if not tokens:
                raise ValueError("unbalanced")
            below.update(inner)
            tokens = tokens[1:]
    return mask, tokens


def apply(mask: Mask, value: Any) -> Any:
    if not mask or "*" in mask:
        return value
    if isinstance(value, list):
        return [apply(mask, each) for each in value]
    if isinstance(value, dict):
        return {name: apply(mask[name], each) for name, each in value.items() if name in mask}
    return value
