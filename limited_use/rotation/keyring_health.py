"""Checks at process start, and every few minutes, whether the keyring answers and fits."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Final
from uuid import UUID

from accounts import alarms
from limited_use.vault import keyring_fit
from limited_use.vault.keyring.keyring_port import KeyStoreUnavailable

logger = logging.getLogger(__name__)

# The alarm is about no particular row.
KEYRING_SUBJECT: Final = UUID(int=0)


def check_keyring(*, at: datetime) -> list[str]:
    """Return the problems, one sentence each, and raise the alarm."""
    try:
        problems = keyring_fit.find_problems()
    except KeyStoreUnavailable as error:
        raise_unavailable_alarm(error, at=at)
        return [str(error) or "the key store does not answer"]
    if problems:
        logger.error("keyring.unfit", extra={"count": len(problems)})
        body: dict[str, int | str] = {"count": len(problems)}
        window = f"{at:%Y-%m-%d}"
        alarms.raise_alarm(
            kind="keyring.unfit", about=KEYRING_SUBJECT, window=window, body=body, at=at
        )
    return problems


def raise_unavailable_alarm(error: KeyStoreUnavailable, *, at: datetime) -> None:
    alarms.raise_alarm(
        kind="keyring.unavailable",
        about=KEYRING_SUBJECT,
        window=f"{at:%Y-%m-%d %H}",
        body={"error": type(error).__name__},
        at=at,
    )


def raise_left_behind_alarm(about: UUID, line: str, *, at: datetime) -> None:
    alarms.raise_alarm(
        kind="key_epoch.left_behind",
        about=about,
        window=f"{at:%Y-%m-%d}",
        body={"line": str(line)},
        at=at,
    )
