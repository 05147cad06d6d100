"""
The inner gate of the web: closed while a restored database holds keys published as destroyed.

An operator applies the tombstones; the web process has no right to.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from config.startup_gate import GateRefusal, StartupGate, WsgiApplication
from limited_use.ledger import ledger_publication

logger = logging.getLogger(__name__)

_RESTORED_REFUSAL: Final = GateRefusal(
    "Antares is removing again what had been removed before the restore. Try again in a few"
    " minutes.",
    "503_restored.html",
)
_UNKNOWN_REFUSAL: Final = GateRefusal(
    "The service is not ready yet. Try again in a few minutes.",
    "503_not_ready.html",
)


class RestoreGate(StartupGate):
    """
    Answers 503 until nothing is pending.

    :param is_pending: returns whether keys exist that are published as destroyed
    """

    def __init__(self, application: WsgiApplication, is_pending: Callable[[], bool]) -> None:
        super().__init__(application)
        self._is_pending = is_pending

    def find_refusal(self) -> GateRefusal | None:
        try:
            is_pending = self._is_pending()
        except (ledger_publication.LedgerPublicationUnreadable, OSError):
            # Unknown, so the page does not mention a restore.
            logger.exception("tombstones.unreadable")
            return _UNKNOWN_REFUSAL
        if not is_pending:
            return None
        logger.error("database.restored")
        return _RESTORED_REFUSAL
