"""The headers `If-Match` and `ETag`, which bind a write to the version that the client saw."""

from __future__ import annotations

import re
from typing import Final

import orjson
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from integrations.calendar.etags import VersionRequired
from integrations.web.api.base import json

IF_MATCH: Final = OpenApiParameter("If-Match", str, OpenApiParameter.HEADER, required=True)
_ETAG: Final = re.compile(r'"([0-9a-f]{1,200})"', re.ASCII)


def if_match(request: Request) -> str:
    """
    Return the version that the client saw.

    :raises VersionRequired: if the header is missing or malformed
    """
    found = _ETAG.fullmatch(request.headers.get("If-Match", "").strip())
    if found is None:
        raise VersionRequired
    return found[1]


def tagged(body: bytes, *, status: int = 200) -> HttpResponse:
    """Return JSON, with its version as the strong `ETag` that `If-Match` takes."""
    answer = json(body)
    answer.status_code = status
    etag = orjson.loads(body)["etag"]
    if etag is not None:
        answer["ETag"] = f'"{etag}"'
    return answer
