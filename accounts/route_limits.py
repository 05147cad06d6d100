"""
Requests per minute for each class of pages, above any ordinary use.

The API counts by the same rates (`integrations.web.api.api_rate_limits`). `RATE_LIMIT_SCALE` raises
those of route classes, not those of sign-in pages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum, auto
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, ResolverMatch, resolve
from django.utils import timezone

from accounts import known_origins, rate_limit_counters, request_limits
from accounts.rate_limit_counters import Rate, RateLimitUsage

MINUTE: Final = 60

#: Pages and API calls without a sign-in; per network, or known device.
ANONYMOUS: Final = Rate("anonymous", 300, MINUTE)
#: GET and HEAD, then all other methods; per person, by pages and API. A page of mail requests each
#: of its images.
READ: Final = Rate("read", 1200, MINUTE)
WRITE: Final = Rate("write", 300, MINUTE)
#: The same for a service client, per delegation.
DELEGATION_READ: Final = Rate("delegation-read", 1200, MINUTE)
DELEGATION_WRITE: Final = Rate("delegation-write", 300, MINUTE)
#: API requests of a service client, for all people.
CLIENT: Final = Rate("client", 6000, MINUTE)
#: API requests of and for a person, by all callers. Pages do not count: when a feature has used up
#: this limit, the person can still open the page and switch the feature off.
USER: Final = Rate("user", 3000, MINUTE)
#: API requests of and for all people of an organisation. Pages do not count.
ORGANISATION: Final = Rate("organisation", 12000, MINUTE)
#: Access tokens of a service client, once it is authenticated.
CLIENT_TOKEN: Final = Rate("client-token", 600, MINUTE)
#: A service client's requests in an hour are unusual beyond this multiple of its usual ones
#: (`accounts.client_volume`), which are at least `LEAST_USUAL_REQUESTS`.
UNUSUAL_FACTOR: Final = 50
LEAST_USUAL_REQUESTS: Final = 600
#: `/oauth/token`; per network, for a platform feature its server.
TOKEN: Final = Rate("token", 3000, MINUTE)
#: Webhooks; per network. A provider calls for many mailboxes from one address.
WEBHOOK: Final = Rate("webhook", 6000, MINUTE)
#: API requests whose token or session is refused; per network.
BAD_TOKEN: Final = Rate("bad-token", 300, MINUTE)


class CountedBy(Enum):
    NETWORK = auto()
    PERSON = auto()


_CONFIRM: Final = ((Rate("confirm", 10, MINUTE), CountedBy.PERSON),)

#: Limits of POST to sign-in pages, by route name.
SIGN_IN_PAGES: Final[Mapping[str, tuple[tuple[Rate, CountedBy], ...]]] = {
    "account_login": ((Rate("login", 30, MINUTE), CountedBy.NETWORK),),
    "account_sign_in_link": ((Rate("sign-in-link-page", 20, MINUTE), CountedBy.NETWORK),),
    # `password_reset` counts the mails too.
    "account_reset_password": ((Rate("reset-password", 20, MINUTE), CountedBy.NETWORK),),
    "account_reset_password_from_key": (
        (Rate("reset-password-key", 20, MINUTE), CountedBy.NETWORK),
    ),
    "account_change_password": ((Rate("change-password", 5, MINUTE), CountedBy.PERSON),),
    "account_reauthenticate": _CONFIRM,
    "mfa_reauthenticate": _CONFIRM,
    "mfa_reauthenticate_webauthn": _CONFIRM,
    "mfa_login_webauthn": ((Rate("login-webauthn", 10, MINUTE), CountedBy.NETWORK),),
}

#: For load balancers and monitors, answered from memory.
UNCOUNTED_ROUTES: Final = frozenset({"alive", "ready"})


class RouteLimitMiddleware:
    """
    Count each request once, before any other work, even for unknown addresses.

    API views count for themselves. A form of a sign-in page also counts towards that page's
    limits, after the check of its form token, so a foreign page uses up none of them.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        match = _find_route(request.path_info)
        if match is None or not _counts_itself(match):
            usage = _count_route_class(request)
            if not usage.is_within:
                # Django's handler sets it too; the log reads it.
                request.resolver_match = match
                return request_limits.render_too_many(request, usage)
        return self._get_response(request)

    def process_view(self, request: HttpRequest, *_: object) -> HttpResponse | None:
        name = request.resolver_match.url_name if request.resolver_match else None
        if request.method != "POST" or name is None:
            return None
        for rate, counted_by in SIGN_IN_PAGES.get(name, ()):
            usage = _count_route(request, rate, counted_by)
            if not usage.is_within:
                return request_limits.render_too_many(request, usage)
        return None


def get_method_rate(method: str | None) -> Rate:
    return READ if method in {"GET", "HEAD"} else WRITE


def get_delegation_rate(method: str | None) -> Rate:
    return DELEGATION_READ if method in {"GET", "HEAD"} else DELEGATION_WRITE


def _find_route(path: str) -> ResolverMatch | None:
    try:
        return resolve(path)
    except Resolver404:
        return None


def _counts_itself(match: ResolverMatch) -> bool:
    view = match.func
    return (
        match.url_name in UNCOUNTED_ROUTES
        or hasattr(view, "cls")
        or hasattr(view, "counts_requests")
    )


def _count_route_class(request: HttpRequest) -> RateLimitUsage:
    if request.user.is_authenticated:
        rate = request_limits.scale_rate(get_method_rate(request.method))
        return request_limits.count_for_person(request, rate)
    return _count_for_origin(request, request_limits.scale_rate(ANONYMOUS))


def _count_for_origin(request: HttpRequest, rate: Rate) -> RateLimitUsage:
    """Count a known device by itself, so that a flood from its network does not block it."""
    if device := known_origins.find_any_device(request):
        return rate_limit_counters.add_rate_limit_count(rate, f"device {device}", at=timezone.now())
    return request_limits.count_for_network(request, rate)


def _count_route(request: HttpRequest, rate: Rate, counted_by: CountedBy) -> RateLimitUsage:
    if counted_by is CountedBy.PERSON and request.user.is_authenticated:
        return request_limits.count_for_person(request, rate)
    return _count_for_origin(request, rate)
