from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from accounts import rate_limit_counters
from accounts.client_networks import find_network
from accounts.rate_limit_counters import Rate, RateLimitUsage

_View = Callable[Concatenate[HttpRequest, ...], HttpResponse]


def count_for_person(request: HttpRequest, rate: Rate) -> RateLimitUsage:
    return rate_limit_counters.add_rate_limit_count(
        rate, f"person {request.user.pk}", at=timezone.now()
    )


def count_for_network(request: HttpRequest, rate: Rate) -> RateLimitUsage:
    return rate_limit_counters.add_rate_limit_count(
        rate, f"network {find_network(request)}", at=timezone.now()
    )


def scale_rate(rate: Rate) -> Rate:
    return rate.scale_limit(settings.RATE_LIMIT_SCALE)


def limit_by_network(
    rate: Rate, refuse: Callable[[RateLimitUsage], HttpResponse]
) -> Callable[[_View], _View]:
    """
    Count every request of a view by its network, before the view runs.

    :param refuse: returns the answer beyond the rate; `Retry-After` is added
    """

    def decorate_view(view: _View) -> _View:
        @wraps(view)
        def count_then_run(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            usage = count_for_network(request, scale_rate(rate))
            if usage.is_within:
                return view(request, *args, **kwargs)
            return add_retry_after(refuse(usage), usage)

        count_then_run.counts_requests = True  # type: ignore[attr-defined]  # read by `route_limits`
        return count_then_run

    return decorate_view


def render_too_many(request: HttpRequest, usage: RateLimitUsage) -> HttpResponse:
    return add_retry_after(render(request, "429.html", status=429), usage)


def add_retry_after(response: HttpResponse, usage: RateLimitUsage) -> HttpResponse:
    """Add the seconds until the window ends (RFC 9110 §10.2.3)."""
    response.headers["Retry-After"] = str(usage.reset_after)
    response.headers["Cache-Control"] = "no-store"
    return response
