"""
Tell errors of one message from errors that concern every message.

A message that cannot be prepared, sealed or stored is quarantined, and its neighbours are stored.
Lost keys, leases and connections, a silent provider and a busy parser pool stop the turn.
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
from integrations.grants.quota_purse import ProviderCallPostponed
from integrations.parsers.parser_pool import ParsersBusy, ParsersUnavailable
from integrations.providers.errors import ProviderError
from limited_use import traceback_scrubber
from limited_use.guard.guard import AccessRefused
from limited_use.vault.data_keys import KeyDestroyed
from limited_use.vault.envelope import Unopenable
from limited_use.vault.keyring.keyring_port import EpochGone, KeyStoreUnavailable
from limited_use.vault.record_compression import RecordTooLarge

logger = logging.getLogger(__name__)

#: Reasons of quarantine.
TOO_LARGE: Final = "too-large"
NOT_STORABLE: Final = "not-storable"
UNDECODABLE: Final = "undecodable"
CRASHED: Final = "crashed"
#: The alarm for a parsed message that could not be stored: our own bug.
ALARM: Final = "sync.not_storable"

_GENERAL_ERRORS: Final = (
    DisconnectedError, LeaseLost, AccessRefused, KeyDestroyed, Unopenable, EpochGone,
    KeyStoreUnavailable, ProviderError, ProviderCallPostponed, ParsersBusy, ParsersUnavailable,
    MemoryError,
)  # fmt: skip
# Database errors that are caused by a value.
_VALUE_ERRORS: Final = (db.DataError, db.IntegrityError)


def concerns_every_message(error: Exception) -> bool:
    if isinstance(error, db.Error):
        return not isinstance(error, _VALUE_ERRORS)
    return isinstance(error, _GENERAL_ERRORS)


def get_quarantine_reason(error: Exception) -> str:
    """:raises Exception: `error` itself, if it concerns every message"""
    if concerns_every_message(error):
        raise error
    # The frames hold the message's content.
    traceback_scrubber.clear_frames(error)
    logger.warning("sync.not_storable", extra={"error": type(error).__name__})
    return TOO_LARGE if isinstance(error, RecordTooLarge) else NOT_STORABLE


def report_unstorable(set_aside: Mapping[str, str], *, integration_id: UUID, at: datetime) -> None:
    """Alert the operator, once per day and mailbox."""
    count = list(set_aside.values()).count(NOT_STORABLE)
    if count:
        alarms.raise_alarm(
            kind=ALARM,
            about=integration_id,
            window=f"{at:%Y-%m-%d}",
            body={"messages": count},
            at=at,
        )
