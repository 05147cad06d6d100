"""
Calls of Graph from threads: the limit of each mailbox, a session, and a deadline.

A thread borrows a session (`session.py`) for the time of a call.
"""

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

from integrations.providers import http, request_concurrency
from integrations.providers.http import Answer

from . import graph_sdk
from .graph_sdk import Call
from .mailbox_concurrency import AT_ONCE, Gate
from .session import NoAnswer, Session

# Of one call altogether, however it goes: a file may take longer than what says something of it.
DEADLINE: Final = 120.0
# Of waiting for another thread that imports the library.
LOADING: Final = 45.0
_MAKING: Final = Lock()


class GraphClient:
    """The library at work for this process. Safe to share between threads."""

    def __init__(self, process: int, proxy: str) -> None:
        self.pid = process
        self._proxy = proxy
        # The system's authorities, as `transport` has them; the default is a list in a package.
        self._authorities = ssl.create_default_context()
        # The one that was used last comes first: its connections are open.
        self._idle: list[Session] = []
        # By token, and so by mailbox: its mail and its calendars share the limit.
        self._gates: WeakValueDictionary[str, Gate] = WeakValueDictionary()
        self._finding_gates = Lock()
        graph_sdk.load()

    def send(
        self, calls: Sequence[Call], *, deadline: float = DEADLINE
    ) -> list[Answer | Exception]:
        """
        Return the answer to each of `http`, in order; in place of one, `NoAnswer`,
        `http.TooLarge`, or whatever nobody foresaw of the library.

        All are of one mailbox, with one token. Of those with that token, whichever threads send
        them, no more than `AT_ONCE` are under way at a time, and of `http` no more than
        `request_concurrency.requests_at_once`.
        """
        width = request_concurrency.requests_at_once.get()
        if width and width < min(len(calls), AT_ONCE):
            groups = [calls[at : at + width] for at in range(0, len(calls), width)]
            return [answer for group in groups for answer in self.send(group, deadline=deadline)]
        until = time.monotonic() + deadline
        places = min(AT_ONCE, sum(call.parts for call in calls))
        at_once = max(1, places // max(call.parts for call in calls))
        gate = self._find_gate(calls[0])
        way = http.towards.set(http.place_towards(calls[0].url))
        try:
            with gate.hold(places, until=until), self._borrow_session() as session:
                return session.send(calls, at_once=at_once, until=until)
        except TimeoutError:
            return [NoAnswer() for _ in calls]
        finally:
            http.towards.reset(way)

    def _find_gate(self, call: Call) -> Gate:
        token = call.headers.get("authorization", "")
        with self._finding_gates:
            return self._gates.setdefault(token, Gate())

    @contextmanager
    def _borrow_session(self) -> Iterator[Session]:
        """Hold a session that no other thread uses meanwhile."""
        try:
            session = self._idle.pop()
        except IndexError:
            session = Session(self._authorities, self._proxy)
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
        return _client_of(os.getpid(), http.proxy())
    finally:
        _MAKING.release()
