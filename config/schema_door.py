"""
The web's outer door: shut while another version of the service made the database's schema.

Checked when a process starts, and again every few seconds until the schema is this version's.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from time import monotonic
from typing import Any, Final

from django.db import DatabaseError, close_old_connections
from django.template.loader import render_to_string

logger = logging.getLogger(__name__)

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

SECONDS: Final = 5.0
# Whoever starts and routes to processes asks these, and is told.
_ALWAYS: Final = frozenset({"/healthz", "/readyz"})
_PROBLEM: Final = {
    "type": "about:blank",
    "title": "Another version",
    "status": 503,
    "detail": "The service is being updated. Please come back in a few minutes.",
}


class SchemaDoor:
    """
    Answers 503 until the schema is current; from then on it only passes requests on.

    :param is_current: if it cannot tell, the door stays shut
    """

    def __init__(self, application: Application, is_current: Callable[[], bool]) -> None:
        self._application = application
        self._is_current = is_current
        self._is_open = False
        self._is_logged = False
        self._checked_at = -SECONDS

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        path = str(environ.get("PATH_INFO", ""))
        if self._is_open or path in _ALWAYS or self.check():
            return self._application(environ, start_response)
        is_api = path.startswith("/v1/")
        kind = "application/problem+json" if is_api else "text/html; charset=utf-8"
        headers = [
            ("Content-Type", kind),
            ("Cache-Control", "no-store"),
            ("Retry-After", "60"),
            ("Content-Security-Policy", "default-src 'none'"),
        ]
        start_response("503 Service Unavailable", headers)
        body = json.dumps(_PROBLEM) if is_api else render_to_string("503_update.html")
        return [body.encode()]

    def check(self) -> bool:
        """Return whether the door is open; the database is asked every few seconds at most."""
        if self._is_open or monotonic() - self._checked_at < SECONDS:
            return self._is_open
        self._checked_at = monotonic()
        try:
            self._is_open = self._is_current()
        except DatabaseError:
            logger.exception("schema.unknown")
        else:
            if not self._is_open and not self._is_logged:
                logger.error("schema.other_version")
                self._is_logged = True
        finally:
            close_old_connections()
        return self._is_open
