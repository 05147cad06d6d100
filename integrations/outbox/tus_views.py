"""The protocol part of views for resumable uploads: tus 1.0 (`tus_headers`)."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from . import tus_headers
from .tus_headers import InvalidHeader
from .upload_errors import UploadVersionUnsupported


class TusView(APIView):
    """
    Checks the version of the protocol, and names it in every answer.

    :cvar max_bytes: of one upload, for OPTIONS
    :cvar plain_methods: without the protocol's header they are other requests
    """

    max_bytes: int
    plain_methods: frozenset[str] = frozenset()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method == "OPTIONS" or request.method not in self.allowed_methods:
            return
        version = request.headers.get("Tus-Resumable")
        if version is None and request.method in self.plain_methods:
            return
        if version != tus_headers.VERSION:
            raise UploadVersionUnsupported

    def handle_exception(self, error: Exception) -> Response:
        if isinstance(error, InvalidHeader):
            error = ValidationError({error.name: ["This header is missing or not valid."]})
        return super().handle_exception(error)

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Response:
        if isinstance(response, Response):
            response = super().finalize_response(request, response, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        if "Tus-Resumable" in request.headers or request.method not in self.plain_methods:
            response["Tus-Resumable"] = tus_headers.VERSION
        if response.status_code == UploadVersionUnsupported.STATUS:
            response["Tus-Version"] = tus_headers.VERSION
        return response  # type: ignore[no-any-return]  # a plain response

    def options(self, *_: Any, **__: Any) -> HttpResponse:  # type: ignore[override]  # no body
        headers = {
            "Allow": ", ".join(self.allowed_methods),
            "Tus-Version": tus_headers.VERSION,
            "Tus-Extension": tus_headers.EXTENSIONS,
            "Tus-Max-Size": str(self.max_bytes),
            "Tus-Checksum-Algorithm": ",".join(tus_headers.ALGORITHMS),
        }
        return HttpResponse(status=204, headers=headers)


def get_body_length(request: Request) -> int | None:
    """Return None for a body without an announced length."""
    # The web server gives chunked bodies its own limit as length.
    if "Transfer-Encoding" in request.headers:
        return None
    return int(request.META.get("CONTENT_LENGTH") or 0)
