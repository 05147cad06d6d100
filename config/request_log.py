"""
One log line per request, with the route's pattern: paths may hold a cursor, and the callback's
query holds a code.
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

#: Id of the current request for every log line; empty outside requests.
request_id: ContextVar[str] = ContextVar("request_id", default="")

_METHODS: Final = frozenset(str(method) for method in HTTPMethod)


class ResponseBroken(Exception):
    """A response broke off. The server closes the connection."""


def log_broken_stream(parts: Iterable[bytes]) -> Iterator[bytes]:
    """
    Yield `parts`; log an exception in our own log only.

    Parts run after all middleware, and the server would print the exception.
    """
    try:
        yield from parts
    except Exception:
        logger.exception("response.broken")
        is_broken = True
    else:
        is_broken = False
    # Outside the except block: the exception is not attached.
    if is_broken:
        raise ResponseBroken


def name_method(method: str | None) -> str:
    """Return an HTTP method for the log; an unknown method is a stranger's text."""
    return method if method in _METHODS else "other"


class RequestLogMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Never taken from the client: a stranger's text must not enter the log.
        token = request_id.set(uuid4().hex)
        # For packages below, which may not import this one.
        request.request_id = request_id.get()  # type: ignore[attr-defined]
        started = time.perf_counter()
        try:
            response = self._get_response(request)
            response["X-Request-ID"] = request_id.get()
            # The server sends files itself, by the quickest way.
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
