"""Requests of machines, answered without a session: no cookie is read, and none is set."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import resolve


class SessionlessMiddleware:
    """
    Call the views of `settings.PATHS_WITHOUT_SESSION` here, past all middleware that comes later.

    A machine proves itself by what it sends. It passes through what stands before this one in
    `MIDDLEWARE`: the log, the headers of every answer, and the check of the host.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(settings.PATHS_WITHOUT_SESSION):
            return self._get_response(request)
        match = resolve(request.path_info)
        # As Django's handler does, which the log reads.
        request.resolver_match = match
        response: HttpResponse = match.func(request, *match.args, **match.kwargs)
        return response
