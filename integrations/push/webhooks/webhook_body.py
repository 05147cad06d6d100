"""Read a request of an unknown sender, bounded in size and rate."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse

from accounts import request_limits, route_limits
from integrations.providers import errors

# A notification has some hundred bytes.
LONGEST = 16 * 1024

limit_calls = request_limits.limit_by_network(
    route_limits.WEBHOOK, lambda _: HttpResponse(status=HTTPStatus.TOO_MANY_REQUESTS)
)


def read_body(request: HttpRequest, *, longest: int = LONGEST) -> bytes:
    """:raises errors.Rejected: if the body is longer than any notification"""
    # Content-Length is not trusted: the read is bounded.
    data = request.read(longest + 1)
    if len(data) > longest:
        raise errors.Rejected("longer than a notification", reason="too-large")
    return data
