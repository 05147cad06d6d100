"""
Rate limits of the API, and their header fields.

`RateLimit-Policy` lists each limit that a request counted towards, with quota `q` and window `w`
in seconds; `RateLimit` the remaining requests (`r`) and the seconds until the quota is restored
(`t`). A work in progress:
https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers-10
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts import caller_limits, client_volume, request_limits, route_limits
from accounts.caller_limits import RateLimitReached
from accounts.client_removals import RemovalsOverdue
from accounts.models import ServiceToken
from accounts.rate_limit_counters import Rate, RateLimitUsage
from integrations.web import slow_routes

DRAFT: Final = "draft-ietf-httpapi-ratelimit-headers-10"


class RateLimitedView(APIView):
    """
    A view that counts requests for their callers (`accounts.caller_limits`), or per network.

    A request counts as soon as authentication has finished, also if it refused the caller.
    """

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        self._usages: list[RateLimitUsage] = []
        super().setup(request, *args, **kwargs)

    def perform_authentication(self, request: Request) -> None:
        """:raises RateLimitReached, client_volume.UnusualVolume:"""
        http = request._request  # noqa: SLF001 - DRF's own accessor is private
        try:
            super().perform_authentication(request)
        except (APIException, RemovalsOverdue):
            self.check_usages(_count_for_network(http, route_limits.BAD_TOKEN))
            raise
        is_client = isinstance(request.auth, ServiceToken)
        if not is_client and (request.user is None or not request.user.is_authenticated):
            self.check_usages(_count_for_network(http, route_limits.ANONYMOUS))
        else:
            self._count_for_caller(request, http)

    def count_request(self, request: Request, rate: Rate) -> None:
        """
        Count towards the person's `rate`, also if a client makes the request.

        :raises RateLimitReached:
        """
        http = request._request  # noqa: SLF001 - DRF's own accessor is private
        self.check_usages(request_limits.count_for_person(http, rate))

    def check_usages(self, *usages: RateLimitUsage) -> None:
        """
        Add `usages` to the response headers.

        :raises RateLimitReached: with the longest wait
        """
        self._usages.extend(usages)
        if reached := [usage for usage in usages if not usage.is_within]:
            longest = max(reached, key=lambda usage: usage.reset_after)
            raise RateLimitReached(longest.rate.name, wait=longest.reset_after)

    def _count_for_caller(self, request: Request, http: HttpRequest) -> None:
        match = http.resolver_match
        costs = slow_routes.find_rates(match.url_name if match else None)
        token = request.auth
        if not isinstance(token, ServiceToken):
            self.check_usages(*caller_limits.count_person_request(http, costs).usages)
            return
        # One time: a request of the last moment of an hour counts for no other.
        at = timezone.now()
        counts = caller_limits.count_client_request(token, request.method, costs, at=at)
        self.check_usages(*counts.usages)
        if counts.hour_count is not None:
            client_volume.check_hour_volume(token.client, counts.hour_count, at=at)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = super().dispatch(request, *args, **kwargs)
        for name, value in make_headers(self._usages).items():
            response[name] = value
        return response


def make_headers(usages: Sequence[RateLimitUsage]) -> dict[str, str]:
    """Structured fields (RFC 9651)."""
    if not usages:
        return {}
    policies = (
        f'"{usage.rate.name}";q={usage.rate.limit};w={usage.rate.seconds}' for usage in usages
    )
    limits = (
        f'"{usage.rate.name}";r={usage.remaining_count};t={usage.reset_after}' for usage in usages
    )
    return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(limits)}


def _count_for_network(request: HttpRequest, rate: Rate) -> RateLimitUsage:
    return request_limits.count_for_network(request, request_limits.scale_rate(rate))


def describe_rate_limits(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """
    A drf-spectacular hook. Every response has the header fields; the document lists them only for
    success and 429, which halves its length.
    """
    fields = {name: {"$ref": f"#/components/headers/{name}"} for name in _DESCRIBED}
    success_headers = {name: fields[name] for name in ("RateLimit", "RateLimit-Policy")}
    for path in result["paths"].values():
        for operation in path.values():
            for status, response in operation["responses"].items():
                if status.startswith("2"):
                    response["headers"] = {**response.get("headers", {}), **success_headers}
    result["components"]["responses"]["Problem429"]["headers"] = fields
    result["components"]["headers"] = dict(_DESCRIBED)
    return result


_DESCRIBED: Final[dict[str, dict[str, Any]]] = {
    "RateLimit": {
        "description": (
            f"{DRAFT}: for each limit that applies to the request, the remaining requests (`r`) and"
            " the seconds until the full quota is available again (`t`). A service client has"
            " limits for the delegation (`delegation-read`, `delegation-write`), itself (`client`),"
            " the person (`user`) and their organisation (`organisation`)."
        ),
        "schema": {"type": "string"},
        "example": '"delegation-read";r=1199;t=60, "client";r=5999;t=60',
    },
    "RateLimit-Policy": {
        "description": (
            f"{DRAFT}: the same limits, with the quota (`q`) and its window in seconds (`w`)."
        ),
        "schema": {"type": "string"},
        "example": '"delegation-read";q=1200;w=60, "client";q=6000;w=60',
    },
    "Retry-After": {
        "description": "Seconds to wait before the next request.",
        "schema": {"type": "integer", "minimum": 1},
    },
}
