"""
Errors of one message, told from errors that concern every message.

Whatever preparing, sealing or storing a message raises sets that message aside, and its neighbours
arrive. Lost keys, leases and connections, a provider that does not answer and a busy pool are
nobody's fault among the messages: these errors stop the turn.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from django import db

from accounts import alarms
from integrations.access.fences import DisconnectedError
from integrations.coordination.leases import LeaseLost
from integrations.grants.quota_purse import CallPostponed
from integrations.parsers.process_pool import ParsersBusy, ParsersUnavailable
from integrations.providers.errors import ProviderError
from limited_use import traceback_scrubber
from limited_use.guard.guard import AccessRefused
from limited_use.vault.compression import RecordTooLarge
from limited_use.vault.envelope import Unopenable
from limited_use.vault.keyring.port import EpochGone, KeyStoreUnavailable
from limited_use.vault.keys import KeyDestroyed

logger = logging.getLogger(__name__)

#: Why a message is set aside, in words of ours.
TOO_LARGE: Final = "too-large"
NOT_STORABLE: Final = "not-storable"
UNDECODABLE: Final = "undecodable"
CRASHED: Final = "crashed"
#: A message that a parser let through could not be stored: an error of ours.
ALARM: Final = "sync.not_storable"

_GENERAL_ERRORS: Final = (
    DisconnectedError, LeaseLost, AccessRefused, KeyDestroyed, Unopenable, EpochGone,
    KeyStoreUnavailable, ProviderError, CallPostponed, ParsersBusy, ParsersUnavailable, MemoryError,
)  # fmt: skip
# Of the database's errors, those that follow from a value that it was given.
_VALUE_ERRORS: Final = (db.DataError, db.IntegrityError)


def concerns_every_message(error: Exception) -> bool:
    """Return whether an error says nothing of the message under work."""
    if isinstance(error, db.Error):
        return not isinstance(error, _VALUE_ERRORS)
    return isinstance(error, _GENERAL_ERRORS)


def get_reason(error: Exception) -> str:
    """
    Return why the message is set aside that raised `error` when it was prepared or stored.

    :raises Exception: the error itself, if it concerns all messages
    """
    if concerns_every_message(error):
        raise error
    # Its frames hold what the message says.
    traceback_scrubber.clear_frames(error)
    logger.warning("sync.not_storable", extra={"error": type(error).__name__})
    return TOO_LARGE if isinstance(error, RecordTooLarge) else NOT_STORABLE


def report_unstorable(set_aside: Mapping[str, str], *, integration_id: UUID, at: datetime) -> None:
    """Tell the operator, once a day and mailbox, of messages that could not be stored."""
    count = list(set_aside.values()).count(NOT_STORABLE)
    if count:
        alarms.raise_alarm(
            kind=ALARM,
            about=integration_id,
            window=f"{at:%Y-%m-%d}",
            body={"messages": count},
            at=at,
        )
