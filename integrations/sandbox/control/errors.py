"""The control plane was asked for something that makes no sense."""

from typing import Any


class Misuse(Exception):
    """Becomes a 400 with the text. A bug of the caller's, who is a test or a demo."""


def text(values: dict[str, Any], name: str) -> str:
    value = values.get(name)
    if not isinstance(value, str) or not value:
        raise Misuse(f"{name} is missing")
    return value
