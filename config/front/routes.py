"""The limits of an address, from the URLconf and the table of limits."""

from __future__ import annotations

from typing import Final, NamedTuple

from django.urls import Resolver404, resolve

from config import route_limits
from config.route_limits import RouteLimits


class Route(NamedTuple):
    """
    A route, as the front needs it.

    :param pattern: of its address, for the log; empty if no route has the address
    """

    limits: RouteLimits
    pattern: str


#: Of an address that no route has.
NO_ROUTE: Final = Route(route_limits.UNKNOWN_ROUTE, "")


def find_route(path: str) -> Route:
    """Return the route of an address."""
    try:
        match = resolve(path)
    except Resolver404:
        return NO_ROUTE
    limits = route_limits.ROUTES.get(match.url_name or "", route_limits.UNKNOWN_ROUTE)
    return Route(limits, match.route)
