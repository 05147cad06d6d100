"""
Pages that the browser reloads by itself, instead of requests that wait.

`Refresh` works without scripts, also in a sandboxed frame. Reloads end after `MAX_RETRIES`, which
the URL counts. Submitted forms are not sent again.
"""

from __future__ import annotations

import math
from typing import Final

from django.http import HttpRequest, HttpResponse

MAX_RETRIES: Final = 10
#: The query parameter with the number of tries.
_COUNT_PARAMETER: Final = "again"
# Used without a Retry-After.
_DEFAULT_SECONDS: Final = 2.0


def add_retry(request: HttpRequest, response: HttpResponse, seconds: float | None) -> HttpResponse:
    """Add `Retry-After`, and for GET and HEAD `Refresh`."""
    wait = max(1, math.ceil(seconds or _DEFAULT_SECONDS))
    response["Retry-After"] = str(wait)
    url = _build_retry_url(request)
    if url:
        response["Refresh"] = f"{wait}; url={url}"
    return response


def will_retry(request: HttpRequest) -> bool:
    return bool(_build_retry_url(request))


def _build_retry_url(request: HttpRequest) -> str:
    """Return an empty string after the last try."""
    text = request.GET.get(_COUNT_PARAMETER, "")
    count = int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else 0  # noqa: PLR2004 - digits
    if request.method not in {"GET", "HEAD"} or count >= MAX_RETRIES:
        return ""
    query = request.GET.copy()
    query[_COUNT_PARAMETER] = str(count + 1)
    return f"{request.path}?{query.urlencode()}"
