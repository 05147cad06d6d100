"""
An event loop for Microsoft's asynchronous library, with its connections.

A client that outlives its loop fails at every second call. The calling thread runs the loop,
which is cheaper than a thread with its own; nothing runs between calls.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, TypeVar

from integrations.providers import provider_http
from integrations.providers.provider_http import ProviderResponse

from . import graph_sdk
from .graph_sdk import GraphCall
from .mailbox_concurrency import MAX_CONCURRENT_REQUESTS

if TYPE_CHECKING:
    from httpx import Response

logger = logging.getLogger(__name__)

T = TypeVar("T")


class GraphNoResponse(Exception):
    """A read may be repeated; a write may have been applied."""


class ContextThreads(ThreadPoolExecutor):
    """Threads with their caller's context, which the connection check reads."""

    def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        return super().submit(copy_context().run, function, *args, **kwargs)


class GraphSession:
    """For one thread at a time."""

    def __init__(self, authorities: ssl.SSLContext, proxy: str) -> None:
        self._loop = asyncio.new_event_loop()
        self.names = ContextThreads(
            max_workers=MAX_CONCURRENT_REQUESTS, thread_name_prefix="graph-names"
        )
        self._loop.set_default_executor(self.names)
        self._adapter, self._transport = graph_sdk.open_connections(authorities, proxy)

    def send_calls(
        self, calls: Sequence[GraphCall], *, at_once: int, until: float
    ) -> list[ProviderResponse | Exception]:
        """
        :param until: a time of the monotonic clock
        :raises TimeoutError: if responses are missing at `until`
        """
        return self._run_coroutine(self._send_each(calls, at_once, until))

    def _run_coroutine(self, coroutine: Coroutine[Any, Any, T]) -> T:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return self._loop.run_until_complete(coroutine)
        # A thread that runs its own loop cannot run another one.
        with ContextThreads(max_workers=1, thread_name_prefix="graph") as thread:
            answer: T = thread.submit(self._loop.run_until_complete, coroutine).result()
            return answer

    async def _send_each(
        self, calls: Sequence[GraphCall], at_once: int, until: float
    ) -> list[ProviderResponse | Exception]:
        # A loop's clock is the monotonic one.
        async with asyncio.timeout_at(until):
            if len(calls) == 1:
                return [await self._try_to_send(calls[0], until)]
            slots = asyncio.Semaphore(at_once)

            async def send_call(call: GraphCall) -> ProviderResponse | Exception:
                async with slots:
                    return await self._try_to_send(call, until)

            return await asyncio.gather(*map(send_call, calls))

    async def _try_to_send(self, call: GraphCall, until: float) -> ProviderResponse | Exception:
        try:
            return await self._send_call(call, until)
        except Exception as error:  # noqa: BLE001 - of this call alone, not of the others
            # The error's frames hold a token, so only its class is logged.
            logger.error("graph.failed", extra={"error": type(error).__name__})  # noqa: TRY400
            return error.with_traceback(None)

    async def _send_call(self, call: GraphCall, until: float) -> ProviderResponse | Exception:
        from httpx import HTTPError, StreamError

        with suppress(HTTPError, StreamError, OSError):
            request = await self._adapter.convert_to_native_async(graph_sdk.build_request(call))
            if time.monotonic() >= until:
                # The loop checks its clock between two steps only; a request must not go out late.
                return GraphNoResponse()
            response = await self._transport.handle_async_request(request)
            try:
                return await _read_response(response, call.max_bytes or provider_http.MAX_ANSWER)
            finally:
                await response.aclose()
        return GraphNoResponse()

    def close(self) -> None:
        with suppress(Exception):
            self._run_coroutine(self._shut_down())
        self._loop.close()

    async def _shut_down(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        async with asyncio.timeout(1.0):
            await self._transport.transport.aclose()


async def _read_response(response: Response, max_bytes: int) -> ProviderResponse | Exception:
    chunks, total = [], 0
    async for chunk in response.aiter_bytes():
        total += len(chunk)
        if total > max_bytes:
            return provider_http.ResponseTooLarge()
        chunks.append(chunk)
    return ProviderResponse(response.status_code, response.headers, b"".join(chunks))
