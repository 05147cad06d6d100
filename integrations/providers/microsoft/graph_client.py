"""Calls of Graph from threads, each with a borrowed session (`graph_session.py`)."""

from __future__ import annotations

import atexit
import os
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from threading import Lock
from typing import Final
from weakref import WeakValueDictionary

from integrations.providers import provider_http, request_concurrency
from integrations.providers.provider_http import ProviderResponse

from . import graph_sdk
from .graph_sdk import GraphCall
from .graph_session import GraphNoResponse, GraphSession
from .mailbox_concurrency import MAX_CONCURRENT_REQUESTS, GraphMailboxGate

# For one call in total, in seconds. Files may take longer than metadata.
DEADLINE: Final = 120.0
# Seconds to wait while another thread imports the library.
LOADING: Final = 45.0
_CLIENT_LOCK: Final = Lock()


class GraphClient:
    """Shared by threads."""

    def __init__(self, process: int, proxy: str) -> None:
        self.pid = process
        self._proxy = proxy
        # The system's authorities, as in `provider_http`; the library's default is its own list.
        self._authorities = ssl.create_default_context()
        # The most recently used session comes first: its connections are open.
        self._idle: list[GraphSession] = []
        # By token, and thus by mailbox: mail and calendars share the limit.
        self._gates: WeakValueDictionary[str, GraphMailboxGate] = WeakValueDictionary()
        self._finding_gates = Lock()
        graph_sdk.load_library()

    def send(
        self, calls: Sequence[GraphCall], *, deadline: float = DEADLINE
    ) -> list[ProviderResponse | Exception]:
        """
        Return responses in order; or `GraphNoResponse`, `provider_http.ResponseTooLarge`, or an
        unknown error of the library.

        All calls have the token of one mailbox. At most `MAX_CONCURRENT_REQUESTS` of a token are
        under way over all threads, and `request_concurrency.requests_at_once` of `calls`.
        """
        width = request_concurrency.requests_at_once.get()
        if width and width < min(len(calls), MAX_CONCURRENT_REQUESTS):
            groups = [calls[start : start + width] for start in range(0, len(calls), width)]
            return [answer for group in groups for answer in self.send(group, deadline=deadline)]
        until = time.monotonic() + deadline
        slots = min(MAX_CONCURRENT_REQUESTS, sum(call.request_count for call in calls))
        at_once = max(1, slots // max(call.request_count for call in calls))
        gate = self._find_gate(calls[0])
        reset_token = provider_http.current_destination.set(
            provider_http.find_first_hop(calls[0].url)
        )
        try:
            with gate.hold_slots(slots, until=until), self._borrow_session() as session:
                return session.send_calls(calls, at_once=at_once, until=until)
        except TimeoutError:
            return [GraphNoResponse() for _ in calls]
        finally:
            provider_http.current_destination.reset(reset_token)

    def _find_gate(self, call: GraphCall) -> GraphMailboxGate:
        token = call.headers.get("authorization", "")
        with self._finding_gates:
            return self._gates.setdefault(token, GraphMailboxGate())

    @contextmanager
    def _borrow_session(self) -> Iterator[GraphSession]:
        try:
            session = self._idle.pop()
        except IndexError:
            session = GraphSession(self._authorities, self._proxy)
        try:
            yield session
        except TimeoutError:
            # Requests under way were cancelled, and their connections closed.
            self._idle.append(session)
            raise
        except BaseException:
            # The worker ran out of time: none of its requests may continue.
            session.close()
            raise
        self._idle.append(session)

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()


@lru_cache(maxsize=1)
def _create_client(process: int, proxy: str) -> GraphClient:
    graph_client = GraphClient(process, proxy)
    atexit.register(_close_client, graph_client)
    return graph_client


def _close_client(graph_client: GraphClient) -> None:
    # A forked worker has a copy of its parent's loops and sockets, which the parent closes.
    if os.getpid() == graph_client.pid:
        graph_client.close()


def get_graph_client() -> GraphClient:
    """:raises GraphNoResponse: if another thread takes too long to create the client. Call again"""
    if not _CLIENT_LOCK.acquire(timeout=LOADING):
        raise GraphNoResponse
    try:
        return _create_client(os.getpid(), provider_http.get_proxy())
    finally:
        _CLIENT_LOCK.release()
