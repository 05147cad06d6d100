"""`$select`, `$filter` and `$orderby`, the subset for mail and calendars."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from integrations.sandbox.microsoft.graph import problems

Item = dict[str, Any]
ItemFilter = Callable[[Item], bool]
_COMPARISON = re.compile(r"([\w/]+)\s+(eq|ne|ge|gt|le|lt)\s+('(?:[^']|'')*'|[^\s]+)", re.IGNORECASE)
_TAG = re.compile(
    r"singleValueExtendedProperties/any\(\s*(\w+):\s*\1/id\s+eq\s+'([^']*)'\s+and\s+\1/value\s+eq\s+"
    r"'((?:[^']|'')*)'\s*\)",
    re.IGNORECASE,
)
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: bool(a == b),
    "ne": lambda a, b: bool(a != b),
    "ge": lambda a, b: bool(a >= b),
    "gt": lambda a, b: bool(a > b),
    "le": lambda a, b: bool(a <= b),
    "lt": lambda a, b: bool(a < b),
}


def select_properties(item: Item, selected: str) -> Item:
    """Always with `id` and annotations."""
    if not selected:
        return item
    names = {name.strip().lower() for name in selected.split(",")}
    return {n: v for n, v in item.items() if n.startswith("@") or n == "id" or n.lower() in names}


def _parse_value(text: str) -> Any:
    if text.startswith("'"):
        return text[1:-1].replace("''", "'")
    return {"true": True, "false": False, "null": None}.get(text.lower(), text)


def _get_path(item: Item, path: str) -> Any:
    value: Any = item
    for name in path.split("/"):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def parse_tags(text: str) -> list[tuple[str, str]]:
    """(id, value) of extended properties."""
    return [(tag[2].lower(), tag[3].replace("''", "'")) for tag in _TAG.finditer(text)]


def list_properties(text: str) -> list[str]:
    return [comparison[1] for comparison in _COMPARISON.finditer(_TAG.sub("", text))]


def compile_filter(text: str) -> ItemFilter:
    """
    Comparisons joined by `and`; the caller handles `parse_tags`.

    :raises HttpProblem: any other filter
    """
    comparisons = _TAG.sub("", text)
    terms = [
        (comparison[1], comparison[2].lower(), _parse_value(comparison[3]))
        for comparison in _COMPARISON.finditer(comparisons)
    ]
    unparsed = re.sub(r"\band\b|[()\s]", "", _COMPARISON.sub("", comparisons), flags=re.IGNORECASE)
    if unparsed or (text and not terms and not parse_tags(text)):
        raise problems.bad_request(f"Invalid filter clause: {unparsed or text}")

    def test(item: Item) -> bool:
        for path, name, expected in terms:
            value = _get_path(item, path)
            if name in ("eq", "ne"):
                matches = COMPARISONS[name](value, expected)
            else:
                matches = value is not None and COMPARISONS[name](str(value), str(expected))
            if not matches:
                return False
        return True

    return test


def parse_order(text: str, filtered: str) -> tuple[str, bool]:
    """
    Return (property, descending).

    :raises HttpProblem: InefficientFilter, if the filter begins with another property
    """
    name, _, direction = (text or "receivedDateTime desc").strip().partition(" ")
    if text and filtered and list_properties(filtered)[:1] != [name]:
        raise problems.inefficient_filter()
    return name, direction.strip().lower() == "desc"


def sort_items(items: Iterable[Item], text: str, filtered: str) -> list[Item]:
    name, descending = parse_order(text, filtered)
    return sorted(items, key=lambda item: str(_get_path(item, name)), reverse=descending)
