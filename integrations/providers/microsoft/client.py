"""
Microsoft's own client library, made ours: one event loop in one thread per process.

The library is asynchronous, and its connections belong to the loop that opened them: a client
that outlives its loop fails at every second call. So there is one loop, and callers are threads.
What it makes of an answer, a tree of models, costs a hundred times as much as the answer's JSON;
requests are its own, and answers are read as they come. By default it would also send a POST again
after a 503, and follow a redirect: that middleware is left out.

Importing it takes 25 MB and a tenth of a second. A sync worker imports it when it starts, any other
process when it first calls Microsoft.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import ssl
import warnings
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from contextlib import asynccontextmanager, suppress
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, Final, TypeVar
from weakref import WeakValueDictionary

from integrations.providers import parallel, transport
from integrations.providers.transport import Answer

if TYPE_CHECKING:
    from httpx import AsyncClient
    from msgraph.graph_request_adapter import GraphRequestAdapter

logger = logging.getLogger(__name__)

CONNECT: Final = 10.0
READ: Final = 30.0
# Of one call altogether, however it goes: a file may take longer than what says something of it.
DEADLINE: Final = 120.0
# Of reading the library in, which others wait for as well.
LOADING: Final = 45.0
# https://learn.microsoft.com/en-us/graph/throttling-limits: of one mailbox, four.
AT_ONCE: Final = 4
_KEPT_OPEN: Final = 40
_LIBRARY: Final = (
    "httpx",
    "kiota_abstractions.request_information",
    "kiota_http.middleware.options",
    "msgraph.graph_request_adapter",
    "msgraph_core",
)

_MAKING: Final = Lock()
T = TypeVar("T")


class NoAnswer(Exception):
    """None came, or not within the time there is. A read may be repeated; a write may be done."""


@dataclass(frozen=True, slots=True)
class Call:
    """
    One request to Graph: `url` is absolute, and `headers` have the token in them.

    `parts` are the requests that Graph makes of it: of a batch, several at once. An answer of more
    than `most_bytes` is too large; None: than `transport.MAX_ANSWER`.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)
    parts: int = 1
    most_bytes: int | None = None


class _Gate:
    """
    Lets as many requests of one mailbox through at once as Graph answers.

    A batch waits for as many places as Graph answers parts at once. Only one call collects places
    at a time, so that no two wait for each other's.
    """

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(AT_ONCE)
        self._collecting = asyncio.Lock()

    @asynccontextmanager
    async def passing(self, parts: int) -> AsyncIterator[None]:
        wanted, taken = min(parts, AT_ONCE), 0
        try:
            async with self._collecting:
                while taken < wanted:
                    await self._places.acquire()
                    taken += 1
            yield
        finally:
            for _ in range(taken):
                self._places.release()


class _Carrying(ThreadPoolExecutor):
    """Looks names up in threads that know on whose behalf: whatever watches the ways out asks."""

    def submit(self, function: Any, /, *given: Any, **named: Any) -> Any:
        return super().submit(copy_context().run, function, *given, **named)


class GraphClient:
    """The library at work for this process. Safe to share between threads."""

    def __init__(self, process: int, proxy: str) -> None:
        self.pid = process
        self._proxy = proxy
        self._loop = asyncio.new_event_loop()
        # By token, and so by mailbox: its mail and its calendars share the limit.
        self._gates: WeakValueDictionary[str, _Gate] = WeakValueDictionary()
        self._names = _Carrying(max_workers=AT_ONCE, thread_name_prefix="graph-names")
        self._loop.set_default_executor(self._names)
        Thread(target=self._run, name="graph", daemon=True).start()
        try:
            # Born on its own loop.
            self._adapter, self._http = self._wait(self._made(), LOADING)
        except TookTooLong:
            self._end()
            raise NoAnswer from None

    def _run(self) -> None:
        self._loop.run_forever()
        # What nobody waits for any more hears of it.
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _made(self) -> tuple[GraphRequestAdapter, AsyncClient]:
        with warnings.catch_warnings():
            # Its builders mark half of Graph as deprecated where they are defined.
            warnings.simplefilter("ignore", DeprecationWarning)
            return _library(self._proxy)

    def send(
        self, calls: Sequence[Call], *, deadline: float = DEADLINE
    ) -> list[Answer | Exception]:
        """
        Return the answer to each of `calls`, in order; in place of one, `NoAnswer`,
        `transport.TooLarge`, or whatever nobody foresaw of the library.

        All go to one place. Of those with one token, whoever sends them, no more than `AT_ONCE` are
        under way at a time, and of `calls` no more than `parallel.requests_at_once`.
        """
        width = parallel.requests_at_once.get()
        if width and width < min(len(calls), AT_ONCE):
            groups = [calls[at : at + width] for at in range(0, len(calls), width)]
            return [answer for group in groups for answer in self.send(group, deadline=deadline)]
        way = transport.towards.set(transport.place_towards(calls[0].url))
        with suppress(TookTooLong, CancelledError):
            try:
                return self._wait(self._all(calls), deadline)
            finally:
                transport.towards.reset(way)
        return [NoAnswer() for _ in calls]

    async def _all(self, calls: Sequence[Call]) -> list[Answer | Exception]:
        # Held here, so that it is there for as long as one of them is under way.
        gates = [self._gate(call) for call in calls]

        async def gated(call: Call, gate: _Gate) -> Answer | Exception:
            try:
                async with gate.passing(call.parts):
                    return await self._one(call)
            except Exception as error:  # noqa: BLE001 - of this call alone, not of the others
                # Its frames hold a token: only its kind is said.
                logger.error("graph.failed", extra={"error": type(error).__name__})  # noqa: TRY400
                return error.with_traceback(None)

        return await asyncio.gather(*map(gated, calls, gates))

    def _gate(self, call: Call) -> _Gate:
        """Return what lets four at once through. On the loop's thread only."""
        token = call.headers.get("authorization", "")
        return self._gates.setdefault(token, _Gate())

    async def _one(self, call: Call) -> Answer | Exception:
        from httpx import HTTPError, StreamError

        with suppress(HTTPError, StreamError, OSError):
            request = await self._adapter.convert_to_native_async(_information(call))
            response = await self._http.send(request, stream=True)
            try:
                pieces, total = [], 0
                async for piece in response.aiter_bytes():
                    total += len(piece)
                    if total > (call.most_bytes or transport.MAX_ANSWER):
                        return transport.TooLarge()
                    pieces.append(piece)
            finally:
                await response.aclose()
            return Answer(response.status_code, response.headers, b"".join(pieces))
        return NoAnswer()

    def _wait(self, work: Coroutine[Any, Any, T], deadline: float) -> T:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(deadline)
        except BaseException:
            # The time is over, or the worker's: what nobody waits for is not to go on.
            future.cancel()
            raise

    def close(self) -> None:
        """Close its connections and end its thread."""
        with suppress(Exception):
            self._wait(self._http.aclose(), 1.0)
        self._end()

    def _end(self) -> None:
        self._names.shutdown(wait=False)
        self._loop.call_soon_threadsafe(self._loop.stop)


def load() -> None:
    """
    Import the library.

    :raises ImportError: if it is missing or broken
    """
    for name in _LIBRARY:
        import_module(name)


def _library(proxy: str) -> tuple[GraphRequestAdapter, AsyncClient]:
    import httpx
    from kiota_abstractions.authentication.anonymous_authentication_provider import (
        AnonymousAuthenticationProvider,
    )
    from kiota_http.middleware import UserAgentHandler
    from msgraph.graph_request_adapter import GraphRequestAdapter
    from msgraph_core import GraphClientFactory
    from msgraph_core.middleware import GraphTelemetryHandler

    http = GraphClientFactory.create_with_custom_middleware(
        # Not the default ones: they cost a fifth of a millisecond for each request, resend it after
        # a 503, follow redirects, and rewrite paths that the library's builders make.
        [UserAgentHandler(), GraphTelemetryHandler()],
        client=httpx.AsyncClient(
            timeout=httpx.Timeout(READ, connect=CONNECT),
            limits=httpx.Limits(max_connections=_KEPT_OPEN, max_keepalive_connections=_KEPT_OPEN),
            # The system's authorities, as `transport` has them; the default is a list in a package.
            verify=ssl.create_default_context(),
            # No variable of the environment sends tokens elsewhere.
            trust_env=False,
            proxy=proxy or None,
            follow_redirects=False,
        ),
    )
    return GraphRequestAdapter(AnonymousAuthenticationProvider(), client=http), http


def _information(call: Call) -> Any:
    from kiota_abstractions.method import Method
    from kiota_abstractions.request_information import RequestInformation

    # One for each request: it would keep the token of the first.
    made = RequestInformation(Method[call.method])
    made.url = call.url
    for name, value in call.headers.items():
        made.headers.add(name, value)
    if call.body is not None:
        made.set_stream_content(call.body, call.headers["content-type"])
    return made


@lru_cache(maxsize=1)
def _client_of(process: int, proxy: str) -> GraphClient:
    made = GraphClient(process, proxy)
    atexit.register(_close, made)
    return made


def _close(made: GraphClient) -> None:
    # A forked worker has a copy of its parent's, and not the thread that would answer.
    if os.getpid() == made.pid:
        made.close()


def client() -> GraphClient:
    """
    Return this process's client, made when it is first asked for.

    :raises NoAnswer: if that took too long; it is tried anew the next time
    """
    with _MAKING:
        return _client_of(os.getpid(), transport.proxy())
