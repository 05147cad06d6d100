"""
Check at the start of a process that the keyring fits the database.

A lost keyring would otherwise look like many disconnects. The process starts anyway: one missing
key must not block the other keys, nor the disconnect of an account.
"""

from __future__ import annotations

import logging
import sys

logger = logging.getLogger(__name__)


def report_keyring_fit() -> None:
    """
    Write each problem to standard error, and raise the alarm.

    Leaves a database connection open; a caller that forks later closes it.
    """
    from django.db import DatabaseError
    from django.utils import timezone

    from limited_use.rotation import keyring_health

    try:
        problems = keyring_health.check_keyring(at=timezone.now())
    except DatabaseError:
        # The first use reports it, and the check repeats every few minutes.
        logger.warning("keyring.unseen")
        problems = []
    sys.stderr.writelines(f"keyring: {problem}\n" for problem in problems)
