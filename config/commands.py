"""
The process class that a management command needs.

In production, another class does not see every row, and the tables' owner may not call the
vault's functions. A command would fail halfway, or report that nothing is due.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from config.process_classes import ProcessClass

_SYNC, _PURGE = ProcessClass.SYNC, ProcessClass.PURGE

#: Commands, some with their first argument, that need one class.
COMMANDS: Final[Mapping[str, ProcessClass]] = {
    "purge": _PURGE,
    "overdue_purges": _PURGE,
    "turn_key_epoch": _PURGE,
    "sequence_ledger": _PURGE,
    "apply_tombstones": _PURGE,
    "reconcile": _SYNC,
    "alarms settle": _PURGE,
}


def check_command_class(arguments: Sequence[str]) -> None:
    """
    Refuse a command of `COMMANDS` in a production process of another class.

    :param arguments: as in `sys.argv`
    :raises SystemExit: if this process has another class
    """
    candidates = (" ".join(arguments[1:end]) for end in (2, 3))
    command = next((candidate for candidate in candidates if candidate in COMMANDS), None)
    if command is None or not {"-h", "--help"}.isdisjoint(arguments):
        return
    process_class = COMMANDS[command]
    from django.conf import settings

    if settings.PRODUCTION and process_class != settings.PROCESS_CLASS:
        raise SystemExit(
            f"config: {command} runs with PROCESS_CLASS={process_class}"
            f" and DATABASE_URL_{process_class.upper()}"
        )
