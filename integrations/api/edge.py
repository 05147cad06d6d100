"""What answers below `/v1` where no view does: unknown addresses, and our own bugs."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views import defaults
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

from . import handler
from .negotiation import OneShape

PREFIX = "/v1/"


class Nothing(APIView):
    """
    Every address below `/v1` that is none: the same 404 as for what is not yours.

    Without it Django would answer a page, and a client that parses problems would break.
    """

    # Nobody needs to be known to be told that there is nothing.
    authentication_classes = []
    permission_classes = [AllowAny]
    content_negotiation_class = OneShape
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise NotFound


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a bug: a problem document below `/v1`, a page elsewhere; what it was is in neither."""
    if request.path.startswith(PREFIX):
        return handler.said(request, "unexpected")
    return defaults.server_error(request)
