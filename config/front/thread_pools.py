"""Groups of threads of a fixed size, for the WSGI application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from contextvars import Context
from functools import partial
from typing import Final, TypeVar

from config.front import error_answers
from config.front.call_stack import call_with_stack_room
from config.front.client_connection import ClientConnection, ClientDisconnected

T = TypeVar("T")

#: Requests that wait for a thread of one group; the next one gets 503.
MAX_WAITING: Final = 512
#: Longest wait for a thread, in seconds.
MAX_WAIT_SECONDS: Final = 10.0


class ThreadPool:
    """
    Runs calls in its own threads.

    Threads are never replaced, so that each keeps one database connection.
    """

    def __init__(self, name: str, threads: int) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._free_threads = asyncio.Semaphore(threads)
        self._waiting_count = 0

    async def run_call(self, client: ClientConnection | None, call: Callable[[], T]) -> T:
        """
        Run `call` in a thread, and return its result.

        :param client: None: its body is not received yet, so nobody notices that it leaves
        :raises RequestRefused: if no thread became free in time
        :raises ClientDisconnected: if the client closed the connection before that
        """
        async with self._reserve_thread(client):
            loop = asyncio.get_running_loop()
            # A new context: no request sees another request's variables.
            roomy_call = partial(call_with_stack_room, call)
            return await loop.run_in_executor(self._executor, Context().run, roomy_call)

    @asynccontextmanager
    async def _reserve_thread(self, client: ClientConnection | None) -> AsyncIterator[None]:
        if self._free_threads.locked():
            await self._wait_for_thread(client)
        else:
            await self._free_threads.acquire()
        try:
            yield
        finally:
            self._free_threads.release()

    async def _wait_for_thread(self, client: ClientConnection | None) -> None:
        if self._waiting_count >= MAX_WAITING:
            raise error_answers.refuse_request_when_busy()
        acquiring = asyncio.create_task(self._free_threads.acquire())
        leaving = None if client is None else client.disconnect_task
        self._waiting_count += 1
        try:
            await asyncio.wait(
                {acquiring} if leaving is None else {acquiring, leaving},
                timeout=MAX_WAIT_SECONDS,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            self._waiting_count -= 1
        if not acquiring.done():
            acquiring.cancel()
            raise (
                ClientDisconnected
                if leaving is not None and leaving.done()
                else error_answers.refuse_request_when_busy()
            )

    async def close(self) -> None:
        """
        Wait for the end of all calls.

        A streaming call needs the event loop, also to notice that its client has left. Without
        the loop the call and the end of the process would wait for ever.
        """
        await asyncio.to_thread(self._executor.shutdown)
