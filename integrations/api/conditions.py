"""The headers that bind a write to the version somebody saw, or make it once; and the answer's."""

from __future__ import annotations

import re
from typing import Final

import orjson
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from integrations.calendars.versions import VersionRequired
from integrations.replies import Sent

from .base import json

IF_MATCH: Final = OpenApiParameter("If-Match", str, OpenApiParameter.HEADER, required=True)
KEY: Final = OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER, required=True)
_ETAG: Final = re.compile(r'"([0-9a-f]{1,200})"', re.ASCII)
_KEY: Final = re.compile(r"[\x21-\x7e]{8,200}", re.ASCII)


def if_match(request: Request) -> str:
    """
    Return the version that the caller saw.

    :raises VersionRequired: if the request names none
    """
    found = _ETAG.fullmatch(request.headers.get("If-Match", "").strip())
    if found is None:
        raise VersionRequired
    return found[1]


def sent(request: Request, route: str) -> Sent:
    """
    Return the request as it is known again under its `Idempotency-Key`.

    :raises ValidationError: if it has none
    """
    key = request.headers.get("Idempotency-Key", "")
    if not _KEY.fullmatch(key):
        said = "Give one, of 8 to 200 characters: the same again then makes no second one."
        raise ValidationError({"Idempotency-Key": [said]})
    # All of it, however it was spaced and ordered.
    return Sent(route, key, orjson.dumps(request.data, option=orjson.OPT_SORT_KEYS))


def tagged(body: bytes, *, status: int = 200) -> HttpResponse:
    """Return what was read, with its version as the strong `ETag` that `If-Match` takes."""
    answer = json(body)
    answer.status_code = status
    etag = orjson.loads(body)["etag"]
    if etag is not None:
        answer["ETag"] = f'"{etag}"'
    return answer


def replayed(answer: HttpResponse) -> HttpResponse:
    """Return the answer to what was done before, said to be that."""
    answer["Idempotent-Replayed"] = "true"
    return answer
