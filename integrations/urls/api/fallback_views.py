"""
Answers outside of views: unknown addresses below `/v1`, requests that Django itself refuses, an
unreachable database, our bugs.
"""

from __future__ import annotations

import sys
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views import defaults
from rest_framework.permissions import AllowAny
from rest_framework.request import Request

from integrations.access.request_context import ObjectNotFound
from integrations.urls import busy_page, error_table
from integrations.web import problem_catalogue
from integrations.web.api.negotiation import FixedContentNegotiation
from integrations.web.api.rate_limits import RateLimitedView

from . import exception_handler

API_PREFIX = "/v1/"


class NotFoundView(RateLimitedView):
    """
    Every address below `/v1` that is none: the same 404 as for what is not yours.

    Without it Django would answer a page, and a client that parses problems would break.
    """

    # Nobody needs to be known to be told that there is nothing.
    authentication_classes = []
    permission_classes = [AllowAny]
    content_negotiation_class = FixedContentNegotiation
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise ObjectNotFound


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """
    Answer a request that Django refuses before or inside a view: a problem below `/v1`.

    It names a host that is not ours, has too many parameters, or a body that is too large.
    """
    if request.path.startswith(API_PREFIX):
        return exception_handler.render_problem(request, problem_catalogue.BAD_REQUEST)
    return defaults.bad_request(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """
    Answer an exception that no view mapped: a problem document below `/v1`, a page elsewhere.

    Middleware loads the session and the person, so a database that is away is met there first:
    503, as in a view. Anything else is a bug: 500, without a word of the exception.
    """
    if not request.path.startswith(API_PREFIX):
        return show_server_error(request)
    return exception_handler.render_problem(
        request, problem_catalogue.BUSY if _is_busy() else problem_catalogue.UNEXPECTED
    )


def show_server_error(request: HttpRequest) -> HttpResponse:
    """Answer the same with a page, whatever the address."""
    return busy_page.render_busy_page() if _is_busy() else defaults.server_error(request)


def _is_busy() -> bool:
    error = sys.exception()
    return (
        isinstance(error, Exception) and error_table.find_problem(error) is problem_catalogue.BUSY
    )
