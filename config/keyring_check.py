"""
Whether the keyring fits the database, said by every process that starts.

A keyring that was lost would otherwise look like so many disconnects. The process goes on: one
key that is gone must not keep anybody from the others, nor from ending what they connected.
"""

from __future__ import annotations

import logging
import sys

logger = logging.getLogger(__name__)


def report_keyring_fit() -> None:
    """
    Write what does not fit to standard error, a line each, and raise the alarm for it.

    Whoever forks afterwards closes the connection that this leaves.
    """
    from django.db import DatabaseError
    from django.utils import timezone

    from limited_use.rotation import keyring_health

    try:
        problems = keyring_health.check_keyring(at=timezone.now())
    except DatabaseError:
        # Whoever needs it will say so; and it is looked at again every few minutes.
        logger.warning("keyring.unseen")
        problems = []
    sys.stderr.writelines(f"keyring: {problem}\n" for problem in problems)
