"""How often an address may knock, or a person ask; counted as sign-in failures are."""

from __future__ import annotations

from allauth.core.internal import ratelimit
from django.http import HttpRequest


def allowed(request: HttpRequest, *, action: str, rate: str) -> bool:
    """
    Count this request, a GET as well, and return whether it is within the rate.

    :param rate: such as `30/m/ip`
    """
    usage = ratelimit.consume(
        request, app="accounts", action=action, config={action: rate}, limit_get=True
    )
    return usage is not None


def wait(rate: str) -> int:
    """Return after how many seconds whoever used `rate` up may surely try again."""
    return int(max(one.duration for one in ratelimit.parse_rates(rate)))
