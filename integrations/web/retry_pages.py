"""
Pages that ask again by themselves, where a request would have had to wait.

By `Refresh`, a header that every browser follows, also in a sandboxed frame: no script. It ends
after `MOST` times, which an address counts. What was sent by a form is not sent again.
"""

from __future__ import annotations

import math
from typing import Final

from django.http import HttpRequest, HttpResponse

MAX_RETRIES: Final = 10
#: The parameter that counts.
_COUNT_PARAMETER: Final = "again"
# Seconds, where nobody said how many.
_DEFAULT_SECONDS: Final = 2.0


def add_retry(request: HttpRequest, response: HttpResponse, seconds: float | None) -> HttpResponse:
    """Return `response` with `Retry-After`, and for a page that was read with `Refresh`."""
    wait = max(1, math.ceil(seconds or _DEFAULT_SECONDS))
    response["Retry-After"] = str(wait)
    url = _build_retry_url(request)
    if url:
        response["Refresh"] = f"{wait}; url={url}"
    return response


def will_retry(request: HttpRequest) -> bool:
    """Return whether `ask_again` has the browser ask again."""
    return bool(_build_retry_url(request))


def _build_retry_url(request: HttpRequest) -> str:
    """Return the address of the next time; empty: the last time has been."""
    text = request.GET.get(_COUNT_PARAMETER, "")
    count = int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else 0  # noqa: PLR2004 - digits
    if request.method not in {"GET", "HEAD"} or count >= MAX_RETRIES:
        return ""
    query = request.GET.copy()
    query[_COUNT_PARAMETER] = str(count + 1)
    return f"{request.path}?{query.urlencode()}"
