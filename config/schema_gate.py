"""
The outer gate of the web: closed while another version made the database's schema.

Checked at the start of a process, then every few seconds until the schema is current.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from config.startup_gate import GateRefusal, StartupGate, WsgiApplication

logger = logging.getLogger(__name__)

_VERSION_REFUSAL: Final = GateRefusal(
    "The service is being updated. Try again in a few minutes.",
    "503_update.html",
)


class SchemaGate(StartupGate):
    """
    Answers 503 until the schema is current.

    :param is_current: returns whether this version made the schema
    """

    # Supervisors and load balancers call both.
    open_paths = frozenset({"/healthz", "/readyz"})

    def __init__(self, application: WsgiApplication, is_current: Callable[[], bool]) -> None:
        super().__init__(application)
        self._is_current = is_current
        self._is_logged = False

    def find_refusal(self) -> GateRefusal | None:
        if self._is_current():
            return None
        if not self._is_logged:
            logger.error("schema.other_version")
            self._is_logged = True
        return _VERSION_REFUSAL
