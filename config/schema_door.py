"""
The web's outer door: shut while another version of the service made the database's schema.

Checked when a process starts, and again every few seconds until the schema is this version's.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from threading import Lock
from time import monotonic
from typing import Any, Final, NamedTuple

from django.db import DatabaseError, close_old_connections
from django.template.loader import render_to_string

logger = logging.getLogger(__name__)

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

SECONDS: Final = 5.0
# Whoever starts and routes to processes asks these, and is told.
_ALWAYS: Final = frozenset({"/healthz", "/readyz"})


class _Answer(NamedTuple):
    """What a shut door says."""

    title: str
    detail: str
    retry_after: int  # seconds


_OTHER_VERSION: Final = _Answer(
    "Back in a few minutes", "The service is being updated. Please come back in a few minutes.", 60
)
_UNKNOWN: Final = _Answer(
    "Not available", "The service cannot be reached just now. Please try again in a few seconds.", 5
)


class SchemaDoor:
    """
    Answers 503 until the schema is current; from then on it only passes requests on.

    :param is_current: if it fails, the door stays shut
    """

    def __init__(self, application: Application, is_current: Callable[[], bool]) -> None:
        self._application = application
        self._is_current = is_current
        self._is_open = False
        self._answer: _Answer | None = None
        self._checked_at = -SECONDS
        self._checking = Lock()

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        path = str(environ.get("PATH_INFO", ""))
        if path in _ALWAYS or self.check():
            return self._application(environ, start_response)
        return _refuse(self._answer or _UNKNOWN, path, start_response)

    def check(self) -> bool:
        """Return whether the door is open; the database is asked every few seconds at most."""
        if self._is_open:
            return True
        # A request that comes while another one asks waits for the answer.
        with self._checking:
            if not self._is_open and monotonic() - self._checked_at >= SECONDS:
                self._ask()
                self._checked_at = monotonic()
            return self._is_open

    def _ask(self) -> None:
        before = self._answer
        try:
            self._is_open = self._is_current()
            self._answer = None if self._is_open else _OTHER_VERSION
        except DatabaseError:
            logger.exception("schema.unknown")
            self._answer = _UNKNOWN
        finally:
            close_old_connections()
        if self._answer is _OTHER_VERSION and before is not _OTHER_VERSION:
            logger.error("schema.other_version")


def _refuse(answer: _Answer, path: str, start_response: Callable[..., Any]) -> Iterable[bytes]:
    is_api = path.startswith("/v1/")
    headers = [
        ("Content-Type", "application/problem+json" if is_api else "text/html; charset=utf-8"),
        ("Cache-Control", "no-store"),
        ("Retry-After", str(answer.retry_after)),
        ("Content-Security-Policy", "default-src 'none'"),
    ]
    start_response("503 Service Unavailable", headers)
    if is_api:
        problem = {"type": "about:blank", "title": answer.title, "status": 503}
        return [json.dumps({**problem, "detail": answer.detail}).encode()]
    return [render_to_string("503_schema.html", {"answer": answer}).encode()]
