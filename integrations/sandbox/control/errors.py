from typing import Any


class Misuse(Exception):
    """Answered with 400: a mistake of the calling test or demo."""


def require_text(values: dict[str, Any], name: str) -> str:
    value = values.get(name)
    if not isinstance(value, str) or not value:
        raise Misuse(f"{name} is missing")
    return value
