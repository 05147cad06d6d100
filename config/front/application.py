"""The ASGI application: bounds each request, then has a thread answer it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

from config.environ_middleware import Application
from config.front import error_answers, probes, sockets
from config.front.client_connection import (
    READER_PATIENCE,
    Client,
    ClientGone,
    ReaderTooSlow,
    Receive,
    Send,
)
from config.front.error_answers import Refused
from config.front.request_bodies import Bodies
from config.front.routes import NO_ROUTE, Route, find_route
from config.front.thread_pools import Pool
from config.front.wsgi_calls import Stream, answer_whole
from config.front.wsgi_environ import make_environ, read_path, set_body
from config.request_log import name_method
from config.route_limits import Threads

logger = logging.getLogger(__name__)

#: Seconds: a client that sends a refused body still gets its answer.
LINGER: Final = 2.0

Scope = Mapping[str, Any]


class Front:
    """
    Serves a WSGI application by ASGI.

    :param threads: how many threads each group has
    :param routes: returns the route of an address
    :param patience: seconds that a reader may keep an answer waiting
    :param linger: seconds that the rest of a refused body is received and dropped
    """

    def __init__(
        self,
        application: Application,
        threads: Mapping[Threads, int],
        *,
        routes: Callable[[str], Route] = find_route,
        patience: float = READER_PATIENCE,
        linger: float = LINGER,
    ) -> None:
        self._application = application
        self._threads = threads
        self._find_route = routes
        self._patience = patience
        self._linger = linger
        self._bodies = Bodies()
        self._pools: dict[Threads, Pool] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            client = Client(receive, send, self._patience)
            try:
                await self._serve(scope, client)
            finally:
                client.leave()

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._pools = {group: Pool(group.value, count) for group, count in self._threads.items()}
        bounding = asyncio.create_task(sockets.bound_unread_answers())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        bounding.cancel()
        for pool in self._pools.values():
            await pool.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _serve(self, scope: Scope, client: Client) -> None:
        path, route = scope["raw_path"].decode("latin-1"), NO_ROUTE
        try:
            path = read_path(scope)
            if path == probes.ALIVE:
                await client.send_answer(probes.answer_alive(scope["method"]))
                return
            route = self._find_route(path)
            await self._answer(scope, client, make_environ(scope), route)
        except ClientGone:
            logger.info("request.abandoned", extra={"route": route.pattern})
        except Refused as refused:
            await self._refuse(scope, client, refused, path=path, route=route)
        except Exception as error:  # noqa: BLE001 - nobody above answers the client
            self._break_off(scope, client, error, route)
            if not client.has_answer:
                await client.send_answer(error_answers.render(error_answers.failed(), path))

    async def _answer(
        self, scope: Scope, client: Client, environ: dict[str, Any], route: Route
    ) -> None:
        limits = route.limits
        group = limits.threads_of(scope["method"])
        headers = dict(scope["headers"])
        async with self._bodies.received(client, limits.body, headers, environ) as body:
            set_body(environ, body)
            if group is Threads.FILES:
                stream = Stream(client)
                await self._pools[group].run(client, lambda: stream.run(self._application, environ))
                return
            answer = await self._pools[group].run(
                client, lambda: answer_whole(self._application, environ)
            )
        await client.send_answer(answer)

    async def _refuse(
        self, scope: Scope, client: Client, refused: Refused, *, path: str, route: Route
    ) -> None:
        status = int(refused.status)
        extra = {
            "method": name_method(scope["method"]),
            "route": route.pattern,
            "status": status,
            "request_id": refused.request_id,
        }
        logger.info("request.refused", extra=extra)
        await client.send_answer(error_answers.render(refused, path))
        # A client that waits for permission to send has nothing under way.
        if b"expect" not in dict(scope["headers"]):
            await client.discard_body(self._linger)

    def _break_off(self, scope: Scope, client: Client, error: Exception, route: Route) -> None:
        extra = {"route": route.pattern}
        if isinstance(error, ReaderTooSlow):
            logger.info("response.not_taken", extra=extra)
        else:
            logger.error("response.broken", exc_info=error, extra=extra)
        if client.has_answer:
            sockets.reset_connection(scope["client"], scope["server"])
