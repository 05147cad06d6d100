"""Every answer that the walk got: to whom it was given, and what stands in it."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.canaries.marks import Marks


@dataclass(frozen=True, slots=True)
class Exchange:
    """
    :param actor: a name of the cast, `anonymous`, or `CLIENT for PERSON`
    :param began: milliseconds, as the ledger counts them
    :param to_provider: whether it only says where to go, and that is the consent page
    """

    actor: str
    method: str
    path: str
    status: int
    answer: bytes
    problem: Mapping[str, Any]
    began: int
    ended: int
    to_provider: bool = False

    @property
    def line(self) -> str:
        return f"{self.method} {self.path} as {self.actor}"


@dataclass
class Exchanges:
    """
    What is said in all answers so far.

    :param only: these hosts; what passes between a browser and the provider is none of ours
    """

    only: tuple[str, ...]
    all: list[Exchange] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def watch(self, http: httpx.Client, actor: str) -> None:
        """Record everything that `http` is answered from now on, as given to `actor`."""

        def note_request(request: httpx.Request) -> None:
            request.extensions["began"] = _get_milliseconds()

        def note_response(response: httpx.Response) -> None:
            if str(response.url).startswith(self.only):
                response.read()
                self.add(response, actor, began=response.request.extensions["began"])

        http.event_hooks = {"request": [note_request], "response": [note_response]}

    def add(self, response: httpx.Response, actor: str, *, began: int) -> None:
        kind = response.headers.get("content-type", "")
        headers = "\n".join(f"{name}: {value}" for name, value in response.headers.items())
        with self._lock:
            self.all.append(
                Exchange(
                    actor=actor,
                    method=response.request.method,
                    path=response.url.path,
                    status=response.status_code,
                    answer=headers.encode("utf-8", "replace") + b"\n\n" + response.content,
                    problem=response.json() if "problem+json" in kind else {},
                    began=began,
                    ended=_get_milliseconds(),
                    to_provider="/oauth2/" in response.headers.get("location", ""),
                )
            )

    def say(self, text: str, actor: str) -> list[Exchange]:
        """Return the answers to `actor` in which `text` stands."""
        found = text.encode()
        return [one for one in self.all if one.actor == actor and found in one.answer]


def _get_milliseconds() -> int:
    return time.time_ns() // 1_000_000


def typed_headers(marks: Marks) -> dict[str, str]:
    """Return headers that any client may send along, each with a canary."""
    typed = marks.typed
    return {
        "user-agent": f"{typed}-useragent",
        "referer": f"https://x.example/{typed}-referer?q={typed}-refererquery",
        "x-request-id": f"{typed}-requestid",
        "x-correlation-id": f"{typed}-correlationid",
        "traceparent": f"00-{typed}-traceparent",
        "baggage": f"k={typed}-baggage",
        "idempotency-key": f"{typed}-idempotencykey",
        "x-purpose": f"{typed}-purpose",
        "x-forwarded-for": f"{typed}-forwardedfor",
        "x-forwarded-host": f"{typed}-forwardedhost",
        "forwarded": f"for={typed}-forwarded",
        "from": f"{typed}-from@x.example",
        "accept-language": f"en, x-{typed}",
        "if-none-match": f'"{typed}-etag"',
        "x-http-method-override": f"{typed}-override",
        "hx-current-url": f"https://x.example/{typed}-currenturl",
        "hx-prompt": f"{typed}-prompt",
        "hx-trigger": f"{typed}-trigger",
        "dnt": f"{typed}-dnt",
    }
