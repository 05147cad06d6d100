"""Partial responses: `fields=messages(id,threadId),nextPageToken`."""

import re
from typing import Any

_TOKEN = re.compile(r"[(),/]|[^(),/\s]+")
Mask = dict[str, Any]


def parse_mask(text: str) -> Mask:
    """
    A tree of names; an empty tree keeps everything.

    :raises ValueError: unbalanced brackets
    """
    tokens = _TOKEN.findall(text)
    mask, rest = _parse_tokens(tokens)
    if rest:
        raise ValueError(text)
    return mask


def _parse_tokens(tokens: list[str]) -> tuple[Mask, list[str]]:
    mask: Mask = {}
    while tokens and tokens[0] != ")":
        if tokens[0] == ",":
            tokens = tokens[1:]
            continue
        name, tokens = tokens[0], tokens[1:]
        submask = mask.setdefault(name, {})
        while tokens and tokens[0] == "/":
            submask = submask.setdefault(tokens[1], {})
            tokens = tokens[2:]
        if tokens and tokens[0] == "(":
            inner_mask, tokens = _parse_tokens(tokens[1:])
            if not tokens:
                raise ValueError("unbalanced")
            submask.update(inner_mask)
            tokens = tokens[1:]
    return mask, tokens


def apply_mask(mask: Mask, value: Any) -> Any:
    if not mask or "*" in mask:
        return value
    if isinstance(value, list):
        return [apply_mask(mask, item) for item in value]
    if isinstance(value, dict):
        return {name: apply_mask(mask[name], item) for name, item in value.items() if name in mask}
    return value
