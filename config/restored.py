"""
The web's door: shut while a restored database holds keys that are published as dead.

The database is asked before a process answers its first request, and again every few seconds
until an operator has applied the tombstones, which the web process has no right to do.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from threading import Lock
from time import monotonic
from typing import Any, Final

import django.db
from django.conf import settings
from django.db import close_old_connections
from django.template.loader import render_to_string

from integrations.problems import BUSY
from limited_use.ledger import published

logger = logging.getLogger(__name__)

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

SECONDS: Final = 5.0
_RESTORED: Final = {
    "type": "about:blank",
    "title": "Restored from a copy",
    "status": 503,
    "detail": "What had ended is being ended again. Please come back in a few minutes.",
}


class Door:
    """
    Answers 503 until nothing is pending; from then on it only passes requests on.

    :param is_pending: if it fails, the door stays shut
    """

    def __init__(self, application: Application, is_pending: Callable[[], bool]) -> None:
        self._application = application
        self._is_pending = is_pending
        self._is_open = False
        self._is_database_away = False
        self._asked_at = -SECONDS
        self._asking = Lock()

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        # Whether the process lives is another question than whether it may serve.
        if environ.get("PATH_INFO") == "/healthz" or self._is_open or self._opens():
            return self._application(environ, start_response)
        is_api = str(environ.get("PATH_INFO", "")).startswith("/v1/")
        kind = "application/problem+json" if is_api else "text/html; charset=utf-8"
        body = json.dumps(self._problem()) if is_api else self._page()
        headers = [
            ("Content-Type", kind),
            ("Cache-Control", "no-store"),
            ("Retry-After", str(BUSY.retry_after) if self._is_database_away else "60"),
            ("Content-Security-Policy", "default-src 'none'; style-src 'self'"),
        ]
        start_response("503 Service Unavailable", headers)
        return [body.encode()]

    def _opens(self) -> bool:
        # A request that arrives while another thread asks waits for that answer. Refusing it would
        # turn away one of the first requests of every process that starts under load.
        with self._asking:
            if not self._is_open and monotonic() - self._asked_at >= SECONDS:
                self._ask()
                self._asked_at = monotonic()
            return self._is_open

    def _ask(self) -> None:
        self._is_database_away = False
        try:
            self._is_open = not self._is_pending()
        except django.db.Error:
            logger.exception("database.failed")
            self._is_database_away = True
            return
        except (published.Unreadable, OSError):
            logger.exception("tombstones.unreadable")
        finally:
            close_old_connections()
        if not self._is_open:
            logger.error("database.restored")

    def _problem(self) -> dict[str, Any]:
        if not self._is_database_away:
            return _RESTORED
        return {
            "type": f"{settings.PUBLIC_URL.rstrip('/')}/problems/{BUSY.code}/",
            "title": BUSY.title,
            "status": BUSY.status,
            "code": BUSY.code,
            "detail": BUSY.says,
        }

    def _page(self) -> str:
        return render_to_string("503.html", {"is_restored": not self._is_database_away})
