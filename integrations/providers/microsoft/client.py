"""
Microsoft's own client library, called from threads.

The library is asynchronous, and its connections belong to the loop that opened them: a client
that outlives its loop fails at every second call. A session is a loop with its connections. The
calling thread borrows one and runs its loop for the time of a call; handing each call over to a
thread with a loop of its own costs more than sending it. Between calls nothing runs.

What the library makes of an answer, a tree of models, costs a hundred times as much as the answer's
JSON; requests are its own, and answers are read as they come. By default it would also send a POST
again after a 503, and follow a redirect: that middleware is left out. Requests go to its transport
and not through `httpx.AsyncClient.send`, which would keep cookies of one mailbox for all.

Importing it takes 25 MB and a tenth of a second. A sync worker imports it when it starts, any other
process when it first calls Microsoft.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import ssl
import time
import warnings
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import lru_cache
from threading import Lock, Semaphore
from typing import TYPE_CHECKING, Any, Final, TypeVar
from weakref import WeakValueDictionary

from integrations.providers import parallel, transport
from integrations.providers.transport import Answer

if TYPE_CHECKING:
    from msgraph.graph_request_adapter import GraphRequestAdapter
    from msgraph_core.middleware import AsyncGraphTransport

logger = logging.getLogger(__name__)

CONNECT: Final = 10.0
READ: Final = 30.0
# Of one call altogether, however it goes: a file may take longer than what says something of it.
DEADLINE: Final = 120.0
# Of waiting for another thread that imports the library.
LOADING: Final = 45.0
# https://learn.microsoft.com/en-us/graph/throttling-limits: of one mailbox, four.
AT_ONCE: Final = 4
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
    Lets as many requests of one mailbox through at once as Graph answers, of all threads.

    A caller waits for all places that it can use. Only one caller collects places at a time, so
    that no two wait for each other's.
    """

    def __init__(self) -> None:
        self._places = Semaphore(AT_ONCE)
        self._collecting = Lock()

    @contextmanager
    def hold(self, places: int, *, until: float) -> Iterator[None]:
        """
        Hold `places`.

        :raises TimeoutError: if they were not free before `until`, a moment of the monotonic clock
        """
        taken = 0
        try:
            if not self._collecting.acquire(timeout=max(0.0, until - time.monotonic())):
                raise TimeoutError
            try:
                while taken < places:
                    if not self._places.acquire(timeout=max(0.0, until - time.monotonic())):
                        raise TimeoutError
                    taken += 1
            finally:
                self._collecting.release()
            yield
        finally:
            if taken:
                self._places.release(taken)


class _Carrying(ThreadPoolExecutor):
    """Looks names up in threads that know on whose behalf: whatever watches the ways out asks."""

    def submit(self, function: Any, /, *given: Any, **named: Any) -> Any:
        return super().submit(copy_context().run, function, *given, **named)


class _Session:
    """An event loop and the connections that were opened on it, for one thread at a time."""

    def __init__(self, authorities: ssl.SSLContext, proxy: str) -> None:
        self._loop = asyncio.new_event_loop()
        self.names = _Carrying(max_workers=AT_ONCE, thread_name_prefix="graph-names")
        self._loop.set_default_executor(self.names)
        self._adapter, self._transport = _library(authorities, proxy)

    def send(
        self, calls: Sequence[Call], *, at_once: int, until: float
    ) -> list[Answer | Exception]:
        """
        Return the answer to each of `calls`.

        :raises TimeoutError: if they are not all there at `until`, a moment of the monotonic clock
        """
        return self._run(self._send_each(calls, at_once, until))

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return self._loop.run_until_complete(work)
        # A thread that runs a loop of its own cannot run another one.
        with _Carrying(max_workers=1, thread_name_prefix="graph") as thread:
            answer: T = thread.submit(self._loop.run_until_complete, work).result()
            return answer

    async def _send_each(
        self, calls: Sequence[Call], at_once: int, until: float
    ) -> list[Answer | Exception]:
        # The clock of a loop is the monotonic one.
        async with asyncio.timeout_at(until):
            if len(calls) == 1:
                return [await self._try_to_send(calls[0], until)]
            places = asyncio.Semaphore(at_once)

            async def send(call: Call) -> Answer | Exception:
                async with places:
                    return await self._try_to_send(call, until)

            return await asyncio.gather(*map(send, calls))

    async def _try_to_send(self, call: Call, until: float) -> Answer | Exception:
        try:
            return await self._send(call, until)
        except Exception as error:  # noqa: BLE001 - of this call alone, not of the others
            # Its frames hold a token: only its kind is said.
            logger.error("graph.failed", extra={"error": type(error).__name__})  # noqa: TRY400
            return error.with_traceback(None)

    async def _send(self, call: Call, until: float) -> Answer | Exception:
        from httpx import HTTPError, StreamError

        with suppress(HTTPError, StreamError, OSError):
            request = await self._adapter.convert_to_native_async(_information(call))
            if time.monotonic() >= until:
                # The loop looks at its clock between two steps: a request must not go out late.
                return NoAnswer()
            response = await self._transport.handle_async_request(request)
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

    def close(self) -> None:
        """Drop what is under way, close the connections, and end the loop."""
        with suppress(Exception):
            self._run(self._end())
        self._loop.close()

    async def _end(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        async with asyncio.timeout(1.0):
            await self._transport.transport.aclose()


class GraphClient:
    """The library at work for this process. Safe to share between threads."""

    def __init__(self, process: int, proxy: str) -> None:
        self.pid = process
        self._proxy = proxy
        # The system's authorities, as `transport` has them; the default is a list in a package.
        self._authorities = ssl.create_default_context()
        # The one that was used last comes first: its connections are open.
        self._idle: list[_Session] = []
        # By token, and so by mailbox: its mail and its calendars share the limit.
        self._gates: WeakValueDictionary[str, _Gate] = WeakValueDictionary()
        self._finding_gates = Lock()
        load()

    def send(
        self, calls: Sequence[Call], *, deadline: float = DEADLINE
    ) -> list[Answer | Exception]:
        """
        Return the answer to each of `calls`, in order; in place of one, `NoAnswer`,
        `transport.TooLarge`, or whatever nobody foresaw of the library.

        All are of one mailbox, with one token. Of those with that token, whichever threads send
        them, no more than `AT_ONCE` are under way at a time, and of `calls` no more than
        `parallel.requests_at_once`.
        """
        width = parallel.requests_at_once.get()
        if width and width < min(len(calls), AT_ONCE):
            groups = [calls[at : at + width] for at in range(0, len(calls), width)]
            return [answer for group in groups for answer in self.send(group, deadline=deadline)]
        until = time.monotonic() + deadline
        places = min(AT_ONCE, sum(call.parts for call in calls))
        at_once = max(1, places // max(call.parts for call in calls))
        gate = self._find_gate(calls[0])
        way = transport.towards.set(transport.place_towards(calls[0].url))
        try:
            with gate.hold(places, until=until), self._borrow_session() as session:
                return session.send(calls, at_once=at_once, until=until)
        except TimeoutError:
            return [NoAnswer() for _ in calls]
        finally:
            transport.towards.reset(way)

    def _find_gate(self, call: Call) -> _Gate:
        token = call.headers.get("authorization", "")
        with self._finding_gates:
            return self._gates.setdefault(token, _Gate())

    @contextmanager
    def _borrow_session(self) -> Iterator[_Session]:
        """Hold a session that no other thread uses meanwhile."""
        try:
            session = self._idle.pop()
        except IndexError:
            session = _Session(self._authorities, self._proxy)
        try:
            yield session
        except TimeoutError:
            # Whatever was under way has been cancelled, and its connections closed.
            self._idle.append(session)
            raise
        except BaseException:
            # The worker's time is over: nothing of it is to go on.
            session.close()
            raise
        self._idle.append(session)

    def close(self) -> None:
        """Close the connections that no thread uses now."""
        while self._idle:
            self._idle.pop().close()


def load() -> None:
    """
    Import the library.

    :raises ImportError: if it is missing or broken
    """
    with warnings.catch_warnings():
        # Its builders mark half of Graph as deprecated where they are defined.
        warnings.simplefilter("ignore", DeprecationWarning)
        import httpx  # noqa: F401 - for the functions below
        import kiota_abstractions.request_information  # noqa: F401
        import kiota_http.middleware.options  # noqa: F401
        import msgraph.graph_request_adapter  # noqa: F401
        import msgraph_core  # noqa: F401


def _library(
    authorities: ssl.SSLContext, proxy: str
) -> tuple[GraphRequestAdapter, AsyncGraphTransport]:
    """Return what builds requests, and what sends them on connections of its own."""
    import httpx
    from kiota_abstractions.authentication.anonymous_authentication_provider import (
        AnonymousAuthenticationProvider,
    )
    from kiota_http.kiota_client_factory import KiotaClientFactory
    from kiota_http.middleware import UserAgentHandler
    from msgraph.graph_request_adapter import GraphRequestAdapter
    from msgraph_core.middleware import AsyncGraphTransport, GraphTelemetryHandler

    connections = httpx.AsyncHTTPTransport(
        verify=authorities,
        limits=httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE),
        # No variable of the environment sends tokens elsewhere.
        trust_env=False,
        proxy=proxy or None,
    )
    # Not the default middleware: it costs a fifth of a millisecond for each request, resends it
    # after a 503, follows redirects, and rewrites paths that the library's builders make.
    middleware = [UserAgentHandler(), GraphTelemetryHandler()]
    pipeline = KiotaClientFactory.create_middleware_pipeline(middleware, connections)
    graph_transport = AsyncGraphTransport(connections, pipeline)
    http = httpx.AsyncClient(
        transport=graph_transport,
        timeout=httpx.Timeout(READ, connect=CONNECT),
        trust_env=False,
    )
    adapter = GraphRequestAdapter(AnonymousAuthenticationProvider(), client=http)
    return adapter, graph_transport


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
    # A forked worker has a copy of its parent's loops and sockets, which are its parent's to close.
    if os.getpid() == made.pid:
        made.close()


def client() -> GraphClient:
    """
    Return this process's client, made when it is first asked for.

    :raises NoAnswer: if another thread makes it and takes too long; it is asked for again next time
    """
    if not _MAKING.acquire(timeout=LOADING):
        raise NoAnswer
    try:
        return _client_of(os.getpid(), transport.proxy())
    finally:
        _MAKING.release()
