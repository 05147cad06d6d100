"""A gate before the WSGI application: closed until its check passes once."""

from __future__ import annotations

import json
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import Any, Final

import django.db
from django.conf import settings
from django.db import close_old_connections
from django.template.loader import render_to_string

from config.front.error_answers import API_PREFIXES
from integrations.web import standalone_pages
from integrations.web.problem_catalogue import BUSY

logger = logging.getLogger(__name__)

WsgiApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

#: Seconds between checks of a closed gate.
CHECK_INTERVAL: Final = 5.0


@dataclass(frozen=True, slots=True)
class GateRefusal:
    """
    The response of a closed gate.

    :param detail: of the problem BUSY, for API clients
    :param template: the page; it reads nothing from the database
    :param retry_after: seconds
    """

    detail: str
    template: str
    retry_after: int = 60


class StartupGate(ABC):
    """
    Answers 503 until its check has passed once, then passes requests on.

    A request during another thread's check waits for the result: a refusal would hit an early
    request of every process that starts under load.
    """

    #: Paths that always pass.
    open_paths: frozenset[str] = frozenset({"/healthz"})

    def __init__(self, application: WsgiApplication) -> None:
        self._application = application
        self._refusal: GateRefusal | None = make_database_refusal()
        self._checked_at = -CHECK_INTERVAL
        self._checking = Lock()

    @abstractmethod
    def find_refusal(self) -> GateRefusal | None:
        """
        Return the refusal, or None if requests may pass.

        :raises django.db.Error: if the database does not answer
        """

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        path = str(environ.get("PATH_INFO", ""))
        refusal = None if path in self.open_paths else self.refresh_refusal()
        if refusal is None:
            return self._application(environ, start_response)
        headers, body = render_refusal(refusal, path)
        start_response("503 Service Unavailable", headers)
        return [body]

    def refresh_refusal(self) -> GateRefusal | None:
        """Return the current refusal; check at most every few seconds."""
        if self._refusal is None:
            return None
        with self._checking:
            if self._refusal is not None and monotonic() - self._checked_at >= CHECK_INTERVAL:
                self._refusal = self._find_refusal()
                self._checked_at = monotonic()
            return self._refusal

    def _find_refusal(self) -> GateRefusal | None:
        try:
            return self.find_refusal()
        except django.db.Error:
            logger.exception("database.failed")
            return make_database_refusal()
        finally:
            close_old_connections()


def make_database_refusal() -> GateRefusal:
    """Return the refusal for a database that does not answer, with the text of BUSY."""
    return GateRefusal(str(BUSY.says), "503.html", BUSY.retry_after or 0)


def render_refusal(refusal: GateRefusal, path: str) -> tuple[list[tuple[str, str]], bytes]:
    """Return headers and body: a problem document for API clients, otherwise a page."""
    is_api = path.startswith(API_PREFIXES)
    headers = [
        ("Content-Type", "application/problem+json" if is_api else "text/html; charset=utf-8"),
        ("Cache-Control", "no-store"),
        ("Retry-After", str(refusal.retry_after)),
        ("Content-Security-Policy", standalone_pages.build_policy()),
    ]
    if not is_api:
        return headers, render_to_string(refusal.template).encode()
    problem = {
        "type": f"{settings.PUBLIC_URL.rstrip('/')}/problems/{BUSY.code}/",
        "title": str(BUSY.title),
        "status": BUSY.status,
        "code": BUSY.code,
        "detail": refusal.detail,
    }
    return headers, json.dumps(problem).encode()
