"""Error responses of the front: a request is too large or too slow, or the server is busy."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final
from uuid import uuid4

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.encoding import escape_uri_path

from config import browser_headers
from integrations.web import standalone_pages
from integrations.web.problem_catalogue import BUSY, EXPLAINED

Headers = Sequence[tuple[bytes, bytes]]

#: Headers of every response, as the front sends them.
BROWSER_HEADERS: Final[Headers] = tuple(
    (name.lower().encode(), value.encode()) for name, value in browser_headers.HEADERS.items()
)

# API clients call these addresses, and read problem documents (RFC 9457).
API_PREFIXES: Final = ("/v1/", "/oauth/", "/webhooks/", "/uploads/")


@dataclass(eq=False)
class RequestRefused(Exception):
    """
    Ends a request with an error response of the front.

    :param code: of the API's problem (`integrations.web.problem_catalogue`)
    :param title: of the page
    :param retry_after: seconds; None: a retry is refused too
    """

    status: HTTPStatus
    code: str
    title: str
    detail: str
    retry_after: int | None = None
    request_id: str = field(default_factory=lambda: uuid4().hex)


@dataclass(frozen=True, slots=True)
class BufferedResponse:
    status: int
    headers: Headers
    body: bytes


def refuse_too_large(max_bytes: int) -> RequestRefused:
    return RequestRefused(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "too-large",
        "That is too large",
        f"The largest body accepted at this address has {max_bytes:,} bytes.",
    )


def refuse_too_slow_request() -> RequestRefused:
    return RequestRefused(
        HTTPStatus.REQUEST_TIMEOUT,
        "too-slow",
        "That took too long",
        "The request did not arrive in time. Please try again.",
        retry_after=EXPLAINED["too-slow"].retry_after,
    )


def refuse_request_when_busy() -> RequestRefused:
    return RequestRefused(
        HTTPStatus.SERVICE_UNAVAILABLE,
        BUSY.code,
        "Please try again in a moment",
        "There are too many requests at the moment. Please try again in a moment.",
        retry_after=BUSY.retry_after,
    )


def refuse_malformed_path() -> RequestRefused:
    return RequestRefused(
        HTTPStatus.BAD_REQUEST,
        "bad-request",
        "That address cannot be read",
        "The path of the address is not UTF-8.",
    )


def refuse_broken_body() -> RequestRefused:
    return RequestRefused(
        HTTPStatus.BAD_REQUEST,
        "bad-request",
        "That request cannot be read",
        "The body of the request is malformed, or the connection was closed too early.",
    )


def refuse_after_error() -> RequestRefused:
    return RequestRefused(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "unexpected",
        "Something went wrong",
        "The request could not be answered. Please try again later.",
    )


def render_refusal(refusal: RequestRefused, path: str) -> BufferedResponse:
    """Return the response for the address `path`. It closes the connection."""
    is_api = path.startswith(API_PREFIXES)
    if is_api:
        body = json.dumps(_build_problem(refusal, path))
    else:
        body = render_to_string(
            "standalone.html", {"title": refusal.title, "detail": refusal.detail}
        )
    content_type = b"application/problem+json" if is_api else b"text/html; charset=utf-8"
    headers = [
        (b"content-type", content_type),
        (b"cache-control", b"no-store"),
        (b"content-security-policy", standalone_pages.build_policy().encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"x-request-id", refusal.request_id.encode()),
        (b"connection", b"close"),
        *BROWSER_HEADERS,
    ]
    if refusal.retry_after is not None:
        headers.append((b"retry-after", str(refusal.retry_after).encode()))
    return BufferedResponse(refusal.status, headers, body.encode())


def _build_problem(refusal: RequestRefused, path: str) -> dict[str, Any]:
    """Return a problem document (RFC 9457) like the API's."""
    return {
        "type": f"{settings.PUBLIC_URL.rstrip('/')}/problems/{refusal.code}/",
        "title": str(EXPLAINED[refusal.code].title),
        "status": int(refusal.status),
        "code": refusal.code,
        "instance": escape_uri_path(path),
        "request_id": refusal.request_id,
        "detail": refusal.detail,
    }
