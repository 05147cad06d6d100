"""Finds the handler and scopes for a verb and a path."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import unquote

from integrations.sandbox.microsoft.graph.request import GraphRequest

Handler = Callable[[GraphRequest], Any]
_KEYED = re.compile(r"^(\w+)\('([^']*)'\)$")
_CALLED = re.compile(r"^(?:microsoft\.graph\.)?(\w+)\(\)$")


@dataclass(frozen=True)
class GraphRoute:
    """`scopes` in lower case: any suffices; empty: any account may."""

    name: str
    method: str
    template: tuple[str, ...]
    scopes: frozenset[str]
    handler: Handler


def split_path(path: str) -> list[str]:
    """`mailFolders('inbox')` is two segments; `microsoft.graph.delta()` is `delta`."""
    segment_list: list[str] = []
    for raw in path.removeprefix("/v1.0/").split("/"):
        text = unquote(raw)
        if keyed_match := _KEYED.match(text):
            segment_list += [keyed_match[1], keyed_match[2]]
        elif called_match := _CALLED.match(text):
            segment_list.append(called_match[1])
        else:
            segment_list.append(text.removeprefix("microsoft.graph."))
    return segment_list


@cache
def get_routes() -> tuple[GraphRoute, ...]:
    """Fewer placeholders first."""
    from integrations.sandbox.microsoft.graph.methods import ROUTES

    return tuple(
        sorted(ROUTES, key=lambda route: sum(segment.startswith("{") for segment in route.template))
    )


def find_route(method: str, path: list[str]) -> tuple[GraphRoute, dict[str, str]] | None:
    """`/me/…` and `/users/{id}/…` are the same."""
    user: dict[str, str] = {}
    if path[0].lower() == "users" and len(path) > 1:
        user, path = {"user": path[1]}, ["me", *path[2:]]
    for route in get_routes():
        if route.method == method and len(route.template) == len(path):
            values = _match_template(route.template, path)
            if values is not None:
                return route, values | user
    return None


def _match_template(template: tuple[str, ...], path: list[str]) -> dict[str, str] | None:
    values = {}
    for placeholder, segment in zip(template, path, strict=True):
        if placeholder.startswith("{"):
            values[placeholder[1:-1]] = segment
        elif placeholder.lower() != segment.lower():
            return None
    return values
