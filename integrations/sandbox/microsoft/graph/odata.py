"""`$select`, `$filter` and `$orderby`, as far as mail and calendars understand them."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from integrations.sandbox.microsoft.graph import problems

Item = dict[str, Any]
Test = Callable[[Item], bool]
_TERM = re.compile(r"([\w/]+)\s+(eq|ne|ge|gt|le|lt)\s+('(?:[^']|'')*'|[^\s]+)", re.IGNORECASE)
_TAG = re.compile(
    r"singleValueExtendedProperties/any\(\s*(\w+):\s*\1/id\s+eq\s+'([^']*)'\s+and\s+\1/value\s+eq\s+"
    r"'((?:[^']|'')*)'\s*\)",
    re.IGNORECASE,
)
TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: bool(a == b),
    "ne": lambda a, b: bool(a != b),
    "ge": lambda a, b: bool(a >= b),
    "gt": lambda a, b: bool(a > b),
    "le": lambda a, b: bool(a <= b),
    "lt": lambda a, b: bool(a < b),
}


def select(item: Item, wanted: str) -> Item:
    """`id` and the annotations are always there."""
    if not wanted:
        return item
    names = {one.strip().lower() for one in wanted.split(",")}
    return {n: v for n, v in item.items() if n.startswith("@") or n == "id" or n.lower() in names}


def _value(text: str) -> Any:
    if text.startswith("'"):
        return text[1:-1].replace("''", "'")
    return {"true": True, "false": False, "null": None}.get(text.lower(), text)


def _at(item: Item, path: str) -> Any:
    found: Any = item
    for name in path.split("/"):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def tags(text: str) -> list[tuple[str, str]]:
    """(id, value) of the extended properties that a filter asks for."""
    return [(one[2].lower(), one[3].replace("''", "'")) for one in _TAG.finditer(text)]


def properties(text: str) -> list[str]:
    return [one[1] for one in _TERM.finditer(_TAG.sub("", text))]


def compile_filter(text: str) -> Test:
    """
    Comparisons joined by `and`; extended properties are the caller's (`tags`).

    :raises Problem: anything else
    """
    rest = _TAG.sub("", text)
    terms = [(one[1], one[2].lower(), _value(one[3])) for one in _TERM.finditer(rest)]
    left = re.sub(r"\band\b|[()\s]", "", _TERM.sub("", rest), flags=re.IGNORECASE)
    if left or (text and not terms and not tags(text)):
        raise problems.bad_request(f"Invalid filter clause: {left or text}")

    def test(item: Item) -> bool:
        for path, name, wanted in terms:
            found = _at(item, path)
            if name in ("eq", "ne"):
                matches = TESTS[name](found, wanted)
            else:
                matches = found is not None and TESTS[name](str(found), str(wanted))
            if not matches:
                return False
        return True

    return test


def order(text: str, filtered: str) -> tuple[str, bool]:
    """
    (property, newest first).

    :raises Problem: InefficientFilter, a filter that does not begin with what orders
    """
    name, _, direction = (text or "receivedDateTime desc").strip().partition(" ")
    if text and filtered and properties(filtered)[:1] != [name]:
        raise problems.inefficient_filter()
    return name, direction.strip().lower() == "desc"


def ordered(items: Iterable[Item], text: str, filtered: str) -> list[Item]:
    name, backwards = order(text, filtered)
    return sorted(items, key=lambda item: str(_at(item, name)), reverse=backwards)
