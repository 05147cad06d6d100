"""
RFC 9457 problem documents.

`type` is the URL of a page that explains the problem; `code` is its last part. Provider responses
and exception texts never appear.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.encoding import escape_uri_path

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

MEDIA_TYPE = "application/problem+json"


def make_problem_response(  # noqa: PLR0913 - the members of RFC 9457 §3.1
    request: HttpRequest,
    *,
    status: int,
    code: str,
    title: StrOrPromise,
    detail: StrOrPromise = "",
    extra: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """RFC 9457 §3."""
    body: dict[str, Any] = {
        "type": settings.PUBLIC_URL.rstrip("/") + reverse("problem", args=[code]),
        "title": str(title),
        "status": status,
        "code": code,
        "instance": escape_uri_path(request.path),
        "request_id": getattr(request, "request_id", None),
    }
    if detail:
        body["detail"] = str(detail)
    body.update(extra or {})
    response = HttpResponse(orjson.dumps(body), status=status, content_type=MEDIA_TYPE)
    response["Cache-Control"] = "no-store"
    for name, value in (headers or {}).items():
        response[name] = value
    return response
