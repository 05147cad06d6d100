"""The ASGI application: checks the limits of each request, then runs it in a thread."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from config.environ_middleware import WsgiApplication
from config.front import error_answers, liveness_probe, server_sockets
from config.front.client_connection import (
    READER_TIMEOUT,
    ClientConnection,
    ClientDisconnected,
    ReaderTooSlow,
    Receive,
    Send,
)
from config.front.error_answers import RequestRefused
from config.front.request_bodies import RequestBodies, expects_body, read_length
from config.front.routes import NO_ROUTE, Route, find_front_route
from config.front.thread_pools import ThreadPool
from config.front.wsgi_calls import WsgiResponseStream, get_response
from config.front.wsgi_environ import make_environ, read_path, set_body, set_body_stream
from config.request_log import name_method
from config.route_limits import BodyLimit, ThreadGroup

logger = logging.getLogger(__name__)

#: Seconds in which a client that sends a refused body still gets its response.
LINGER: Final = 2.0

Scope = Mapping[str, Any]


class AsgiFront:
    """
    Serves a WSGI application by ASGI.

    :param threads: number of threads in each group
    :param routes: returns the route of an address
    :param reader_patience: seconds that a client may delay a response
    :param linger: seconds to receive and drop the rest of a refused body
    """

    def __init__(
        self,
        application: WsgiApplication,
        threads: Mapping[ThreadGroup, int],
        *,
        routes: Callable[[str], Route] = find_front_route,
        reader_patience: float = READER_TIMEOUT,
        linger: float = LINGER,
    ) -> None:
        self._application = application
        self._threads = threads
        self._find_route = routes
        self._reader_patience = reader_patience
        self._linger = linger
        self._bodies = RequestBodies()
        self._pools: dict[ThreadGroup, ThreadPool] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._run_lifespan(receive, send)
        elif scope["type"] == "http":
            connection = ClientConnection(receive, send, self._reader_patience)
            try:
                await self._serve_request(scope, connection)
            finally:
                connection.stop_waiting()

    async def _run_lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        self._pools = {
            group: ThreadPool(group.value, count) for group, count in self._threads.items()
        }
        bounding = asyncio.create_task(server_sockets.bound_unread_answers())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        bounding.cancel()
        for pool in self._pools.values():
            await pool.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _serve_request(self, scope: Scope, client: ClientConnection) -> None:
        path, route = scope["raw_path"].decode("latin-1"), NO_ROUTE
        try:
            path = read_path(scope)
            if path == liveness_probe.ALIVE_PATH:
                await client.send_response(liveness_probe.make_alive_response(scope["method"]))
                return
            route = self._find_route(path)
            await self._run_application(scope, client, make_environ(scope), route)
        except ClientDisconnected:
            logger.info("request.abandoned", extra={"route": route.pattern})
            # granian reports a malformed chunk as a disconnect; without a response, it sends a 500.
            if not client.has_response:
                await client.send_response(
                    error_answers.render_refusal(error_answers.refuse_broken_body(), path)
                )
        except RequestRefused as refusal:
            await self._send_refusal(scope, client, refusal, path=path, route=route)
        except Exception as error:  # noqa: BLE001 - nobody above answers the client
            self._report_broken_response(scope, client, error, route)
            if not client.has_response:
                await client.send_response(
                    error_answers.render_refusal(error_answers.refuse_after_error(), path)
                )

    async def _run_application(
        self, scope: Scope, client: ClientConnection, environ: dict[str, Any], route: Route
    ) -> None:
        limits = route.limits
        group = limits.get_threads(scope["method"])
        headers = dict(scope["headers"])
        if limits.body.is_streamed and expects_body(headers, limits.body):
            await self._run_streamed(client, environ, limits.body, group, headers)
            return
        async with self._bodies.receive_body(client, limits.body, headers, environ) as body:
            set_body(environ, body)
            if group is ThreadGroup.FILES:
                stream = WsgiResponseStream(client)
                await self._pools[group].run_call(
                    client, lambda: stream.run_application(self._application, environ)
                )
                return
            response = await self._pools[group].run_call(
                client, lambda: get_response(self._application, environ)
            )
        await client.send_response(response)

    async def _run_streamed(
        self,
        client: ClientConnection,
        environ: dict[str, Any],
        limit: BodyLimit,
        group: ThreadGroup,
        headers: dict[bytes, bytes],
    ) -> None:
        """Run the application while the body arrives."""
        length = read_length(headers)
        async with self._bodies.open_stream(client, limit, headers, environ) as stream:
            set_body_stream(environ, stream, length=length, max_bytes=limit.max_bytes)
            response = await self._pools[group].run_call(
                None, lambda: get_response(self._application, environ)
            )
        stream.raise_failure()
        if stream.is_complete:
            await client.send_response(response)
            return
        # The application needs no more of the body: the connection ends with it.
        closing = [*response.headers, (b"connection", b"close")]
        await client.send_response(replace(response, headers=closing))
        await client.discard_body(self._linger)

    async def _send_refusal(
        self,
        scope: Scope,
        client: ClientConnection,
        refusal: RequestRefused,
        *,
        path: str,
        route: Route,
    ) -> None:
        status = int(refusal.status)
        extra = {
            "method": name_method(scope["method"]),
            "route": route.pattern,
            "status": status,
            "request_id": refusal.request_id,
        }
        logger.info("request.refused", extra=extra)
        await client.send_response(error_answers.render_refusal(refusal, path))
        # A client that waits for "100 Continue" sends nothing.
        if b"expect" not in dict(scope["headers"]):
            await client.discard_body(self._linger)

    def _report_broken_response(
        self, scope: Scope, client: ClientConnection, error: Exception, route: Route
    ) -> None:
        extra = {"route": route.pattern}
        if isinstance(error, ReaderTooSlow):
            logger.info("response.not_taken", extra=extra)
        else:
            logger.error("response.broken", exc_info=error, extra=extra)
        if client.has_response:
            server_sockets.reset_connection(scope["client"], scope["server"])
