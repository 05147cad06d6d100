"""Answers of the front itself: a request that is too large, too slow or one too many."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from http import HTTPStatus
from typing import Any, Final
from uuid import uuid4

from django.conf import settings
from django.utils.encoding import escape_uri_path

from config import browser_headers
from integrations.web.problem_catalogue import BUSY, EXPLAINED

Headers = Sequence[tuple[bytes, bytes]]

#: Of every answer, as the front sends them.
BROWSER_HEADERS: Final[Headers] = tuple(
    (name.lower().encode(), value.encode()) for name, value in browser_headers.HEADERS.items()
)

# Callers of these addresses are programs, and read problem documents (RFC 9457).
_PROGRAMS: Final = ("/v1/", "/oauth/", "/webhooks/")
_PAGE: Final = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">\
<title>{title} · Antares Integrations</title></head>
<body>
<main>
  <h1>{title}</h1>
  <p>{detail}</p>
</main>
</body>
</html>
"""


@dataclass(eq=False)
class Refused(Exception):
    """
    Ends a request with an answer of the front.

    :param code: of the API's problem (`integrations.web.problem_catalogue`)
    :param title: of the page
    :param retry_after: seconds; None: the same request is refused again
    """

    status: HTTPStatus
    code: str
    title: str
    detail: str
    retry_after: int | None = None
    request_id: str = field(default_factory=lambda: uuid4().hex)


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer."""

    status: int
    headers: Headers
    body: bytes


def too_large(largest: int) -> Refused:
    return Refused(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "too-large",
        "That is too large",
        f"The largest body accepted at this address has {largest:,} bytes.",
    )


def too_slow() -> Refused:
    return Refused(
        HTTPStatus.REQUEST_TIMEOUT,
        "too-slow",
        "That took too long",
        "The request did not arrive in time. Please try again.",
        retry_after=EXPLAINED["too-slow"].retry_after,
    )


def busy() -> Refused:
    return Refused(
        HTTPStatus.SERVICE_UNAVAILABLE,
        BUSY.code,
        "Please try again in a moment",
        "There are too many requests at the moment. Please try again in a moment.",
        retry_after=BUSY.retry_after,
    )


def malformed() -> Refused:
    return Refused(
        HTTPStatus.BAD_REQUEST,
        "bad-request",
        "That address cannot be read",
        "The path of the address is not UTF-8.",
    )


def failed() -> Refused:
    return Refused(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "unexpected",
        "Something went wrong",
        "The request could not be answered. Please try again later.",
    )


def render(refused: Refused, path: str) -> Answer:
    """Return the answer for the address `path`. The connection ends with it."""
    is_program = path.startswith(_PROGRAMS)
    if is_program:
        body = json.dumps(_describe(refused, path))
    else:
        body = _PAGE.format(title=escape(refused.title), detail=escape(refused.detail))
    content_type = b"application/problem+json" if is_program else b"text/html; charset=utf-8"
    headers = [
        (b"content-type", content_type),
        (b"cache-control", b"no-store"),
        (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
        (b"x-content-type-options", b"nosniff"),
        (b"x-request-id", refused.request_id.encode()),
        (b"connection", b"close"),
        *BROWSER_HEADERS,
    ]
    if refused.retry_after is not None:
        headers.append((b"retry-after", str(refused.retry_after).encode()))
    return Answer(refused.status, headers, body.encode())


def _describe(refused: Refused, path: str) -> dict[str, Any]:
    """Return a problem document (RFC 9457), as the API's own."""
    return {
        "type": f"{settings.PUBLIC_URL.rstrip('/')}/problems/{refused.code}/",
        "title": EXPLAINED[refused.code].title,
        "status": int(refused.status),
        "code": refused.code,
        "instance": escape_uri_path(path),
        "request_id": refused.request_id,
        "detail": refused.detail,
    }
