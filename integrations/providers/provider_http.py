"""
All HTTP to providers: one pooled client per process, shared by threads.

No redirects, no retries, only the proxy of the settings, and always a timeout. urllib3 saves
processor time: a mailbox takes tens of thousands of small requests.
"""

from __future__ import annotations

import atexit
import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import lru_cache
from threading import Lock
from typing import Any, Final
from urllib.parse import unquote, urlencode, urlsplit, urlunsplit

import urllib3
from urllib3.exceptions import HTTPError

from integrations.formats import exact_pieces

from . import errors
from .request_bodies import StreamedBody

TIMEOUT: Final = urllib3.Timeout(connect=10.0, read=30.0)
# For files: providers answer after they have stored the last byte.
UPLOAD: Final = urllib3.Timeout(connect=10.0, read=120.0)
# For token endpoints: a person may be waiting.
SHORT: Final = urllib3.Timeout(connect=5.0, read=10.0)
MAX_RETRY_AFTER: Final = 24 * 3600.0
# Bytes of a decoded response, which is held in memory. The largest is a message's MIME: mailboxes
# accept 35 MB, or 150 MB if an administrator says so.
MAX_ANSWER: Final = 48 * 1024 * 1024
_MAX_OPEN_CONNECTIONS: Final = 40
_CHUNK_SIZE: Final = 64 * 1024
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_STATUS_LINE: Final = re.compile(r"HTTP/\d(?:\.\d)? (\d{3})(?: |\Z)")

NoResponse = HTTPError


class ResponseTooLarge(NoResponse):
    """The response exceeds `MAX_ANSWER`. Other callers treat it as no response."""


_POOL_LOCK: Final = Lock()

#: The only host and port that the egress tripwire lets this thread reach. None outside of a
#: request.
current_destination: Final[ContextVar[tuple[str, int] | None]] = ContextVar("towards", default=None)
# The URL of the proxy, if any.
_proxy = ""


@dataclass(frozen=True, slots=True)
class ProviderResponse:
    """Header names are case-insensitive."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300  # noqa: PLR2004 - RFC 9110 §15.3

    def json(self) -> Any:
        """:raises ValueError: if the content is not JSON"""
        return json.loads(self.content)


@dataclass(frozen=True, slots=True)
class ResponseStream:
    response: ProviderResponse
    chunks: Iterator[bytes]


def use_proxy(url: str) -> None:
    """
    Send all requests by CONNECT; empty: directly.

    :param url: `http://proxy:3128`, with user and password if required
    """
    global _proxy  # noqa: PLW0603 - one per process, like the pool
    if url != _proxy:
        _proxy = url
        _create_pool.cache_clear()


@lru_cache(maxsize=1)
def _create_pool(process: int) -> urllib3.PoolManager:
    options: dict[str, Any] = {
        "maxsize": _MAX_OPEN_CONNECTIONS,
        "retries": False,
        "timeout": TIMEOUT,
    }
    pool_manager = _create_proxy_pool(_proxy, options) if _proxy else urllib3.PoolManager(**options)
    atexit.register(_close_pool, pool_manager, process)
    return pool_manager


def _create_proxy_pool(proxy: str, options: Mapping[str, Any]) -> urllib3.ProxyManager:
    parts = urlsplit(proxy)
    proxy_url = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    headers = None
    if parts.username is not None:
        user_and_password = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers = urllib3.make_headers(proxy_basic_auth=user_and_password)
    return urllib3.ProxyManager(proxy_url, proxy_headers=headers, **options)


def _close_pool(pool_manager: urllib3.PoolManager, process: int) -> None:
    # A forked worker has a copy of its parent's pool; the sockets belong to the parent.
    if os.getpid() == process:
        pool_manager.clear()


def get_http_pool() -> urllib3.PoolManager:
    # Without the lock, two threads could create two pools, and one would be dropped with open
    # sockets.
    with _POOL_LOCK:
        return _create_pool(os.getpid())


def send_request(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes | StreamedBody | None = None,
    *,
    timeout: urllib3.Timeout = TIMEOUT,
) -> ProviderResponse:
    """
    An error of a body's source ends the connection before the request is complete.

    :raises ResponseTooLarge: if the response exceeds `MAX_ANSWER`
    :raises NoResponse: if no response came
    """
    content: bytes | Iterator[bytes] | None
    if isinstance(body, StreamedBody):
        headers = {**headers, "content-length": str(body.size)}
        pieces = _read_pieces(body, current_destination.get())
        # Surplus bytes would begin the connection's next request.
        content = exact_pieces.iterate_exactly(pieces, body.size)
    else:
        content = body
    response = _open_response(
        method, url, headers=headers, body=content, timeout=timeout, preload_content=False
    )
    try:
        return ProviderResponse(response.status, response.headers, _read_content(response))
    finally:
        response.release_conn()


def _read_pieces(body: StreamedBody, source_destination: tuple[str, int] | None) -> Iterator[bytes]:
    pieces = iter(body.pieces)
    while True:
        reset_token = current_destination.set(source_destination)
        try:
            piece = next(pieces, None)
        finally:
            current_destination.reset(reset_token)
        if piece is None:
            return
        yield piece


def _read_content(response: urllib3.BaseHTTPResponse) -> bytes:
    content = response.read(MAX_ANSWER + 1)
    if len(content) > MAX_ANSWER:
        # A half-read connection must not return to the pool.
        response.close()
        raise ResponseTooLarge("larger than is held in memory")
    return content


def _open_response(method: str, url: str, **options: Any) -> urllib3.BaseHTTPResponse:
    reset_token = current_destination.set(find_first_hop(url))
    try:
        return get_http_pool().request(method, url, redirect=False, retries=False, **options)
    finally:
        current_destination.reset(reset_token)


def get_proxy() -> str:
    return _proxy


def find_first_hop(url: str) -> tuple[str, int]:
    return _parse_destination(_proxy or url)


def _parse_destination(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)


def parse_http_response(message: bytes) -> ProviderResponse:
    """
    Parse a response embedded in another one (RFC 9112 §2.1).

    :raises ValueError: if the text is no response
    """
    head, blank, content = message.partition(b"\r\n\r\n")
    line, *lines = head.decode("latin-1").split("\r\n")
    status_line = _STATUS_LINE.match(line)
    if status_line is None or not blank:
        raise ValueError("no HTTP response")
    headers = urllib3.HTTPHeaderDict()
    for name, _, value in (line.partition(":") for line in lines):
        headers.add(name.strip(), value.strip())
    return ProviderResponse(int(status_line[1]), headers, content)


def fetch_document(url: str) -> ProviderResponse:
    return send_request("GET", url, {"accept": "application/json"}, timeout=SHORT)


def post_form(url: str, form: Mapping[str, str]) -> ProviderResponse:
    """:raises Unavailable: if no response came"""
    headers = {
        "accept": "application/json",
        "content-type": "application/x-www-form-urlencoded",
    }
    with suppress(NoResponse):
        return send_request("POST", url, headers, urlencode(form).encode(), timeout=SHORT)
    raise errors.Unavailable("the provider did not answer")


@contextmanager
def stream_response(method: str, url: str, headers: Mapping[str, str]) -> Iterator[ResponseStream]:
    """
    Read in chunks; the body of an error is read at once.

    :raises NoResponse: if no response came, or it ends early
    """
    response = _open_response(method, url, headers=headers, preload_content=False)
    try:
        head = ProviderResponse(response.status, response.headers, b"")
        if not head.is_success:
            head = ProviderResponse(response.status, response.headers, _read_content(response))
        yield ResponseStream(head, response.stream(_CHUNK_SIZE))
    finally:
        # A half-read connection must not return to the pool.
        response.close()


def parse_retry_after(response: ProviderResponse) -> float | None:
    """Return seconds; None if missing or implausible."""
    value = response.headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            at = parsedate_to_datetime(value)
        except ValueError:
            return None
        seconds = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - time.time()
    return min(max(seconds, 0.0), MAX_RETRY_AFTER) if seconds == seconds else None  # noqa: PLR0124
