"""What a value may be made of: origins of plaintext, and a function's own parameters. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

# Of origins (`flow.Origin`), parameters' names, and what is below.
Labels = frozenset[Any]
NOTHING: Final[Labels] = frozenset()


class Handed(NamedTuple):
    """
    What a function inside another one is handed by whoever calls it.

    Its answer is made of that; the function itself, handed on or returned, is not.
    """

    origin: Any


def together(many: Iterable[Labels]) -> Labels:
    """Return all of them."""
    found = NOTHING
    for one in many:
        if one:
            found = found | one if found else one
    return found


def origins_of(labels: Labels, given: Mapping[str, set[Any]]) -> set[Any]:
    """Return the origins that labels stand for, in a function that is `given` those."""
    found: set[Any] = set()
    for label in labels:
        match label:
            case str():
                found |= given.get(label, set())
            case Handed(origin):
                found.add(origin)
            case _:
                found.add(label)
    return found


def answered(labels: Labels, taken: Mapping[str, Labels]) -> Labels:
    """Return what an answer is made of for whoever calls with `taken`: their labels."""
    found = NOTHING
    for label in labels:
        match label:
            case str():
                found |= taken.get(label, NOTHING)
            case _:
                found |= {label}
    return found


def outside(labels: Labels) -> Labels:
    """Return labels as they are known outside of a function and those inside it."""
    return frozenset(one.origin if isinstance(one, Handed) else one for one in labels)
