from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from accounts import client_usage, request_limits, route_limits
from accounts.oauth.server import TokenServer


# No cookie authenticates this view, so a foreign page gains nothing.
@csrf_exempt
@cache_control(no_store=True)
@require_POST
@request_limits.limit_by_network(
    route_limits.TOKEN, lambda _: _refuse_request("Too many requests.")
)
@sensitive_post_parameters("client_assertion")
def token_endpoint(request: HttpRequest) -> HttpResponse:
    """Mint one token, or answer as in RFC 6749 §5.2."""
    address = settings.PUBLIC_URL.rstrip("/") + reverse("oauth_token")
    server = TokenServer(audience=address, at=timezone.now())
    try:
        response = server.create_token_response(request)
    except client_usage.TooManyUsers as error:
        response = _refuse_request("Too many people within this minute.")
        response.headers["Retry-After"] = str(error.retry_after)
    response.headers["Pragma"] = "no-cache"
    return response


def _refuse_request(description: str) -> HttpResponse:
    # RFC 6749 has no error for a limit at this endpoint.
    error = {"error": "temporarily_unavailable", "error_description": description}
    return JsonResponse(error, status=429)
