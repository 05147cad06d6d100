from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

from accounts import request_limits

from .slow_routes import find_rates


class SlowRouteLimits:
    """Refuses requests to `slow_routes` beyond a rate with 429. API views count for themselves."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], *_: object
    ) -> HttpResponse | None:
        match = request.resolver_match
        if match is None or hasattr(view, "cls") or not request.user.is_authenticated:
            return None
        for rate in find_rates(match.url_name):
            usage = request_limits.count_for_person(request, request_limits.scale_rate(rate))
            if not usage.is_within:
                return request_limits.render_too_many(request, usage)
        return None
