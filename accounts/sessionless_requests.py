from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import resolve


class SessionlessMiddleware:
    """
    Call the views of `settings.PATHS_WITHOUT_SESSION` without session or cookies.

    Only earlier middleware applies: log, headers and the check of the host.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(settings.PATHS_WITHOUT_SESSION):
            return self._get_response(request)
        match = resolve(request.path_info)
        # Django's handler sets it too; the log reads it.
        request.resolver_match = match
        response: HttpResponse = match.func(request, *match.args, **match.kwargs)
        return response
