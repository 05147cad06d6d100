"""Take what a stranger sends, in bounded work and not too often."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse

from accounts import request_limits, route_limits
from integrations.providers import errors

# A notification is some hundred bytes.
LONGEST = 16 * 1024

#: Decorates the views that providers call.
limited = request_limits.limit_by_network(
    route_limits.WEBHOOK, lambda _: HttpResponse(status=HTTPStatus.TOO_MANY_REQUESTS)
)


def body(request: HttpRequest, *, longest: int = LONGEST) -> bytes:
    """
    Return the body of a request.

    :raises errors.Rejected: if it is longer than any notification
    """
    # What it says of its length is not believed: no more than that is read.
    data = request.read(longest + 1)
    if len(data) > longest:
        raise errors.Rejected("longer than a notification", reason="too-large")
    return data
