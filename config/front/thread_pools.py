"""Threads that run the WSGI application, in groups of a fixed size."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from contextvars import Context
from functools import partial
from typing import Final, TypeVar

from config.front import error_answers
from config.front.call_stack import call_with_room
from config.front.client_connection import ClientConnection, ClientDisconnected

T = TypeVar("T")

#: Requests that wait for a thread of one group; the next is answered 503.
MAX_WAITING: Final = 512
#: Seconds that a request waits for a thread.
MAX_WAIT_SECONDS: Final = 10.0


class ThreadPool:
    """
    Runs calls in its own threads, as many at once as it has threads.

    Threads are not replaced, so that each keeps one connection to the database.
    """

    def __init__(self, name: str, threads: int) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._free = asyncio.Semaphore(threads)
        self._waiting = 0

    async def run_call(self, client: ClientConnection, call: Callable[[], T]) -> T:
        """
        Return what `call` returns.

        :raises Refused: if no thread became free in time
        :raises ClientGone: if the client closed the connection before a thread became free
        """
        async with self._reserve_thread(client):
            loop = asyncio.get_running_loop()
            # Nothing that one request sets is seen by the next.
            roomy_call = partial(call_with_room, call)
            return await loop.run_in_executor(self._executor, Context().run, roomy_call)

    @asynccontextmanager
    async def _reserve_thread(self, client: ClientConnection) -> AsyncIterator[None]:
        if self._free.locked():
            await self._wait_for_thread(client)
        else:
            await self._free.acquire()
        try:
            yield
        finally:
            self._free.release()

    async def _wait_for_thread(self, client: ClientConnection) -> None:
        if self._waiting >= MAX_WAITING:
            raise error_answers.refuse_busy()
        acquiring = asyncio.create_task(self._free.acquire())
        self._waiting += 1
        try:
            await asyncio.wait(
                {acquiring, client.disconnect_task},
                timeout=MAX_WAIT_SECONDS,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            self._waiting -= 1
        if not acquiring.done():
            acquiring.cancel()
            raise (
                ClientDisconnected if client.disconnect_task.done() else error_answers.refuse_busy()
            )

    async def close(self) -> None:
        """
        Wait until no call is under way.

        A call that sends its answer in pieces needs the event loop, also to learn that its client
        has left. Without the loop it would wait for ever, and so would the end of the process.
        """
        await asyncio.to_thread(self._executor.shutdown)
