"""The headers `If-Match` and `ETag`, which bind a write to the version that the client saw."""

from __future__ import annotations

import re
from typing import Final

import orjson
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from integrations.calendar.etags import VersionRequired
from integrations.web.api.api_views import json_response

IF_MATCH: Final = OpenApiParameter("If-Match", str, OpenApiParameter.HEADER, required=True)
_ETAG: Final = re.compile(r'"([0-9a-f]{1,200})"', re.ASCII)


def get_if_match(request: Request) -> str:
    """
    Return the version that the client saw.

    :raises VersionRequired: if the header is missing or malformed
    """
    match = _ETAG.fullmatch(request.headers.get("If-Match", "").strip())
    if match is None:
        raise VersionRequired
    return match[1]


def build_tagged_response(body: bytes, *, status: int = 200) -> HttpResponse:
    """Return JSON with its version as the strong `ETag`, for `If-Match`."""
    response = json_response(body)
    response.status_code = status
    etag = orjson.loads(body)["etag"]
    if etag is not None:
        response["ETag"] = f'"{etag}"'
    return response
