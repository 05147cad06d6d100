"""A verb and a path → what plays it, and by which of the granted scopes it may."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import unquote

from integrations.sandbox.microsoft.graph.ask import Ask

Play = Callable[[Ask], Any]
_KEYED = re.compile(r"^(\w+)\('([^']*)'\)$")
_CALLED = re.compile(r"^(?:microsoft\.graph\.)?(\w+)\(\)$")


@dataclass(frozen=True)
class Route:
    """`scopes` in lower case: any of them will do; none: whoever is signed in may."""

    name: str
    method: str
    template: tuple[str, ...]
    scopes: frozenset[str]
    play: Play


def segments(path: str) -> list[str]:
    """`mailFolders('inbox')` is two, `delta()` and `microsoft.graph.delta()` are `delta`."""
    found: list[str] = []
    for raw in path.removeprefix("/v1.0/").split("/"):
        text = unquote(raw)
        if keyed := _KEYED.match(text):
            found += [keyed[1], keyed[2]]
        elif called := _CALLED.match(text):
            found.append(called[1])
        else:
            found.append(text.removeprefix("microsoft.graph."))
    return found


@cache
def table() -> tuple[Route, ...]:
    """Fewer placeholders first."""
    from integrations.sandbox.microsoft.graph.methods import ROUTES

    return tuple(sorted(ROUTES, key=lambda one: sum(s.startswith("{") for s in one.template)))


def find(method: str, path: list[str]) -> tuple[Route, dict[str, str]] | None:
    """`/me/…` and `/users/{id}/…` are the same places."""
    user: dict[str, str] = {}
    if path[0].lower() == "users" and len(path) > 1:
        user, path = {"user": path[1]}, ["me", *path[2:]]
    for route in table():
        if route.method == method and len(route.template) == len(path):
            values = _match(route.template, path)
            if values is not None:
                return route, values | user
    return None


def _match(template: tuple[str, ...], path: list[str]) -> dict[str, str] | None:
    values = {}
    for wanted, given in zip(template, path, strict=True):
        if wanted.startswith("{"):
            values[wanted[1:-1]] = given
        elif wanted.lower() != given.lower():
            return None
    return values
