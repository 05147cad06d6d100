"""`/oauth/token` and `/oauth/revoke`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Final

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters

from accounts import client_usage, request_limits, route_limits
from accounts.oauth.endpoint_requests import FORM_TYPE
from accounts.oauth.server import ClientServer

_SECRETS: Final = ("client_assertion", "code", "code_verifier", "token")


def _refuse_request(description: str) -> HttpResponse:
    # RFC 6749 has no error for a limit at these endpoints.
    error = {"error": "temporarily_unavailable", "error_description": description}
    return JsonResponse(error, status=429)


def _refuse_form(description: str, *, status: int = 400) -> JsonResponse:
    error = {"error": "invalid_request", "error_description": description}
    return JsonResponse(error, status=status)


def _check_form(
    view: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Refuse in JSON what Django would answer with a page: no POST, no form, or a large one."""

    @wraps(view)
    def check_then_run(request: HttpRequest) -> HttpResponse:
        if request.method != "POST":
            refusal = _refuse_form("The method must be POST.", status=405)
            refusal.headers["Allow"] = "POST"
            return refusal
        if request.content_type != FORM_TYPE:
            return _refuse_form(f"The body must be {FORM_TYPE}.")
        try:
            request.POST  # noqa: B018 - Django parses the form here
        except BadRequest:
            return _refuse_form("The form must be in UTF-8.")
        except SuspiciousOperation:
            return _refuse_form("The form is too large, or has too many parameters.")
        return view(request)

    return check_then_run


def _serve_form(
    view: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Serve a form of clients. No cookie authenticates it, so a foreign page gains nothing."""
    form_view = _check_form(sensitive_post_parameters(*_SECRETS)(view))
    # The limit comes first: every request counts, also one that is refused.
    limited_view = request_limits.limit_by_network(
        route_limits.TOKEN, lambda _: _refuse_request("Too many requests.")
    )(form_view)
    served_view: Callable[[HttpRequest], HttpResponse] = csrf_exempt(
        cache_control(no_store=True)(limited_view)
    )
    return served_view


@_serve_form
def token_endpoint(request: HttpRequest) -> HttpResponse:
    """Issue one token, or answer as in RFC 6749 §5.2."""
    try:
        response = ClientServer(at=timezone.now()).create_token_response(request)
    except client_usage.ClientLimitReached as error:
        response = _refuse_request(error.description)
        response.headers["Retry-After"] = str(error.retry_after)
    response.headers["Pragma"] = "no-cache"
    return response


@_serve_form
def revocation_endpoint(request: HttpRequest) -> HttpResponse:
    """End one token (RFC 7009)."""
    server = ClientServer(at=timezone.now())
    response: HttpResponse = server.create_endpoint_response("revocation", request)
    return response
