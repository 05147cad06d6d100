"""The limits of an address, from URLconf and `config.route_limits`."""

from __future__ import annotations

from typing import Final, NamedTuple

from django.urls import Resolver404, resolve

from config import route_limits
from config.route_limits import RouteLimits


class Route(NamedTuple):
    """
    A route and its limits.

    :param pattern: URL pattern, for the log; empty without a route
    """

    limits: RouteLimits
    pattern: str


#: For an address without a route.
NO_ROUTE: Final = Route(route_limits.UNKNOWN_ROUTE, "")


def find_front_route(path: str) -> Route:
    try:
        match = resolve(path)
    except Resolver404:
        return NO_ROUTE
    limits = route_limits.ROUTES.get(match.url_name or "", route_limits.UNKNOWN_ROUTE)
    return Route(limits, match.route)
