"""Answers outside of views."""

from __future__ import annotations

import sys
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views import defaults
from rest_framework.permissions import AllowAny
from rest_framework.request import Request

from accounts.authentication import CountingAuthentication
from integrations.access.request_context import ObjectNotFound
from integrations.urls import busy_page, error_table
from integrations.web import problem_catalogue
from integrations.web.api.api_rate_limits import RateLimitedView
from integrations.web.api.negotiation import FixedContentNegotiation

from . import exception_handler

API_PREFIXES = ("/v1/", "/uploads/", *error_table.PROGRAM_PATHS)


class NotFoundView(RateLimitedView):
    """
    Answers every unknown URL below `/v1` with the 404 that other people's objects get.

    Without it Django would answer with a page, which breaks clients that parse problems.
    """

    # A 404 needs no authentication. A valid one makes the request count for its caller, so that a
    # client with a wrong URL leaves the limit of its network to others.
    authentication_classes = [CountingAuthentication]
    permission_classes = [AllowAny]
    content_negotiation_class = FixedContentNegotiation
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise ObjectNotFound


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request with a foreign host, too many parameters, or too large a body."""
    if request.path.startswith(API_PREFIXES):
        return exception_handler.render_problem(request, problem_catalogue.BAD_REQUEST)
    return defaults.bad_request(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """
    Answer an exception that no view mapped: a problem document for programs, otherwise a page.

    An unreachable database, which middleware meets first, is a 503; any other exception a 500,
    without details.
    """
    if not request.path.startswith(API_PREFIXES):
        return show_server_error(request)
    return exception_handler.render_problem(
        request, problem_catalogue.BUSY if _is_busy() else problem_catalogue.UNEXPECTED
    )


def show_server_error(request: HttpRequest) -> HttpResponse:
    """Answer with a page at every URL."""
    return busy_page.render_busy_page() if _is_busy() else defaults.server_error(request)


def _is_busy() -> bool:
    error = sys.exception()
    return (
        isinstance(error, Exception) and error_table.find_problem(error) is problem_catalogue.BUSY
    )
