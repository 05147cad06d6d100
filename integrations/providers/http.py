"""
The one door for HTTP to providers: a pooled client per process, safe to share between threads.

No redirects, no proxies but the one of the settings, no retries, and a timeout on
everything. urllib3, because a mailbox is tens of thousands of small requests and
it costs half the processor time of the client that we used before.
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

from . import errors

TIMEOUT: Final = urllib3.Timeout(connect=10.0, read=30.0)
# The token endpoints: a person may be waiting.
SHORT: Final = urllib3.Timeout(connect=5.0, read=10.0)
MAX_RETRY_AFTER: Final = 24 * 3600.0
# Bytes of an answer, decoded. It is held in memory, whole. A message's MIME is the largest:
# mailboxes take 35 MB, those of which an administrator said so 150.
MAX_ANSWER: Final = 48 * 1024 * 1024
_KEPT_OPEN: Final = 40
_PIECE: Final = 64 * 1024
_PORTS: Final = {"http": 80, "https": 443}
_STATUS_LINE: Final = re.compile(r"HTTP/\d(?:\.\d)? (\d{3})(?: |\Z)")

NoAnswer = HTTPError


class TooLarge(NoAnswer):
    """The answer is larger than `MAX_ANSWER`. To who does not look: none came."""


_MAKING: Final = Lock()

#: The one place that this thread talks to now: what is watching the ways out lets it reach that,
#: and nothing else. None outside of a request.
towards: Final[ContextVar[tuple[str, int] | None]] = ContextVar("towards", default=None)
# Where everything goes through, if anything is to be.
_proxy = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. `headers` are looked up whatever the case of their names."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300  # noqa: PLR2004 - RFC 9110 §15.3

    def json(self) -> Any:
        """:raises ValueError: if it is not JSON"""
        return json.loads(self.content)


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer whose body is read in pieces."""

    answer: Answer
    pieces: Iterator[bytes]


def use_proxy(url: str) -> None:
    """
    Reach every provider through this proxy from now on, by CONNECT; directly if it is empty.

    :param url: `http://proxy:3128`, with a user and a password if it wants them
    """
    global _proxy  # noqa: PLW0603 - one per process, like the pool
    if url != _proxy:
        _proxy = url
        _pool_of.cache_clear()


@lru_cache(maxsize=1)
def _pool_of(process: int) -> urllib3.PoolManager:
    given: dict[str, Any] = {"maxsize": _KEPT_OPEN, "retries": False, "timeout": TIMEOUT}
    made = _through(_proxy, given) if _proxy else urllib3.PoolManager(**given)
    atexit.register(_close, made, process)
    return made


def _through(proxy: str, given: Mapping[str, Any]) -> urllib3.ProxyManager:
    parts = urlsplit(proxy)
    place = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    headers = None
    if parts.username is not None:
        who = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers = urllib3.make_headers(proxy_basic_auth=who)
    return urllib3.ProxyManager(place, proxy_headers=headers, **given)


def _close(made: urllib3.PoolManager, process: int) -> None:
    # A forked worker has a copy of its parent's pool, and none of its sockets to say goodbye on.
    if os.getpid() == process:
        made.clear()


def pool() -> urllib3.PoolManager:
    """Return this process's pool."""
    # Two threads that ask first would make two, and one would be dropped with its sockets open.
    with _MAKING:
        return _pool_of(os.getpid())


def send(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes | None = None,
    *,
    timeout: urllib3.Timeout = TIMEOUT,
) -> Answer:
    """
    Return the answer to one request.

    :raises TooLarge: if it is too large to be read
    :raises NoAnswer: if none came
    """
    response = _request(
        method, url, headers=headers, body=body, timeout=timeout, preload_content=False
    )
    try:
        return Answer(response.status, response.headers, _read(response))
    finally:
        response.release_conn()


def _read(response: urllib3.BaseHTTPResponse) -> bytes:
    content = response.read(MAX_ANSWER + 1)
    if len(content) > MAX_ANSWER:
        # Not given back to the pool half read.
        response.close()
        raise TooLarge("larger than is held in memory")
    return content


def _request(method: str, url: str, **given: Any) -> urllib3.BaseHTTPResponse:
    way = towards.set(place_towards(url))
    try:
        return pool().request(method, url, redirect=False, retries=False, **given)
    finally:
        towards.reset(way)


def proxy() -> str:
    """Return the proxy that every provider is reached through; empty: none."""
    return _proxy


def place_towards(url: str) -> tuple[str, int]:
    """Return where a request to `url` goes first: see `towards`."""
    return _place(_proxy or url)


def _place(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)


def answer_of(message: bytes) -> Answer:
    """
    Return the answer that stands as text within another one (RFC 9112 §2.1).

    :raises ValueError: if it is none
    """
    head, blank, content = message.partition(b"\r\n\r\n")
    line, *lines = head.decode("latin-1").split("\r\n")
    found = _STATUS_LINE.match(line)
    if found is None or not blank:
        raise ValueError("no HTTP response")
    headers = urllib3.HTTPHeaderDict()
    for name, _, value in (line.partition(":") for line in lines):
        headers.add(name.strip(), value.strip())
    return Answer(int(found[1]), headers, content)


def get(url: str) -> Answer:
    """Return a document that anybody may read. See `send`."""
    return send("GET", url, {"accept": "application/json"}, timeout=SHORT)


def post_form(url: str, form: Mapping[str, str]) -> Answer:
    """
    Return the answer to a form sent to an OAuth endpoint.

    :raises Unavailable: if none came
    """
    headers = {
        "accept": "application/json",
        "content-type": "application/x-www-form-urlencoded",
    }
    with suppress(NoAnswer):
        return send("POST", url, headers, urlencode(form).encode(), timeout=SHORT)
    raise errors.Unavailable("the provider did not answer")


@contextmanager
def streamed(method: str, url: str, headers: Mapping[str, str]) -> Iterator[Stream]:
    """
    Hold an answer whose body is read in pieces; a refusal is read whole.

    :raises NoAnswer: if none came, or it ends early
    """
    response = _request(method, url, headers=headers, preload_content=False)
    try:
        head = Answer(response.status, response.headers, b"")
        if not head.is_success:
            head = Answer(response.status, response.headers, _read(response))
        yield Stream(head, response.stream(_PIECE))
    finally:
        # Not given back to the pool half read.
        response.close()


def retry_after(response: Answer) -> float | None:
    """Return the seconds that `Retry-After` asks for, if it does so plausibly."""
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
