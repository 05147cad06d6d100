"""
The web's door: shut while a restored database holds keys that are published as dead.

Looked at before a process answers its first request, and again every few seconds until somebody
has applied the tombstones, which the web has no right to.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from time import monotonic
from typing import Any, Final

from django.db import DatabaseError, close_old_connections
from django.template.loader import render_to_string

from limited_use.ledger import published

logger = logging.getLogger(__name__)

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

SECONDS: Final = 5.0
_PROBLEM: Final = {
    "type": "about:blank",
    "title": "Restored from a copy",
    "status": 503,
    "detail": "What had ended is being ended again. Please come back in a few minutes.",
}


class Door:
    """
    Answers 503 until nothing is pending; from then on it only passes requests on.

    :param is_pending: if it cannot tell, the door stays shut
    """

    def __init__(self, application: Application, is_pending: Callable[[], bool]) -> None:
        self._application = application
        self._is_pending = is_pending
        self._is_open = False
        self._looked_at = -SECONDS

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        # Whether the process lives is another question than whether it may serve.
        if environ.get("PATH_INFO") == "/healthz" or self._is_open or self._opens():
            return self._application(environ, start_response)
        is_api = str(environ.get("PATH_INFO", "")).startswith("/v1/")
        kind = "application/problem+json" if is_api else "text/html; charset=utf-8"
        body = json.dumps(_PROBLEM) if is_api else render_to_string("503.html")
        headers = [
            ("Content-Type", kind),
            ("Cache-Control", "no-store"),
            ("Retry-After", "60"),
            ("Content-Security-Policy", "default-src 'none'; style-src 'self'"),
        ]
        start_response("503 Service Unavailable", headers)
        return [body.encode()]

    def _opens(self) -> bool:
        if monotonic() - self._looked_at < SECONDS:
            return False
        self._looked_at = monotonic()
        try:
            self._is_open = not self._is_pending()
        except (published.Unreadable, OSError, DatabaseError):
            logger.exception("tombstones.unreadable")
        finally:
            close_old_connections()
        if not self._is_open:
            logger.error("database.restored")
        return self._is_open
