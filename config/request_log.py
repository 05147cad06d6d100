"""
One log line per request, with the route's pattern rather than its path or query.

A path may carry a cursor, and the callback's query carries a code; a pattern carries neither.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from http import HTTPMethod
from typing import Final
from uuid import uuid4

from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse

logger = logging.getLogger(__name__)

#: The id of the request being answered, for every log line written meanwhile; empty outside.
request_id: ContextVar[str] = ContextVar("request_id", default="")

_METHODS: Final = frozenset(str(method) for method in HTTPMethod)


class ResponseBroken(Exception):
    """An answer broke off in the middle: the server closes the connection, and nobody is told."""


def log_broken_stream(parts: Iterable[bytes]) -> Iterator[bytes]:
    """
    Yield `parts`; what breaks them off is said in our own log, and in no other.

    They are made after every middleware is done, and the server prints what it is met by.
    """
    try:
        yield from parts
    except Exception:
        logger.exception("response.broken")
        is_broken = True
    else:
        is_broken = False
    # Outside of the except block: nothing of what it was hangs on to it.
    if is_broken:
        raise ResponseBroken


def name_method(method: str | None) -> str:
    """Return a method for the log; one that is none of HTTP's is a stranger's text."""
    return method if method in _METHODS else "other"


class RequestLogMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Never taken from the client: what a stranger sends does not enter the log.
        token = request_id.set(uuid4().hex)
        # For the interfaces below, which may not import this package.
        request.request_id = request_id.get()  # type: ignore[attr-defined]
        started = time.perf_counter()
        try:
            response = self._get_response(request)
            response["X-Request-ID"] = request_id.get()
            # Files are the server's own to send, by the quickest way.
            if isinstance(response, StreamingHttpResponse) and not isinstance(
                response, FileResponse
            ):
                response.streaming_content = log_broken_stream(response.streaming_content)
            logger.info(
                "request.answered",
                extra={
                    "method": name_method(request.method),
                    "route": request.resolver_match.route if request.resolver_match else "",
                    "status": response.status_code,
                    "duration_ms": round((time.perf_counter() - started) * 1000, 1),
                },
            )
            return response
        finally:
            request_id.reset(token)
