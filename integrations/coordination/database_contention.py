"""
Repeat a statement or transaction after contention for rows.

To break a deadlock, PostgreSQL may roll back a transaction that did not cause it. A rolled-back
transaction left no trace, so it can run again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final, TypeVar

from django.db import OperationalError
from django.db import connection as database

logger = logging.getLogger(__name__)

T = TypeVar("T")

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_SQLSTATES: Final = frozenset(
    {
        "40001",  # serialization_failure
        "40P01",  # deadlock_detected
        "55P03",  # lock_not_available
        "57014",  # query_canceled: a statement took longer than its limit
    }
)
_MOST_TRIES: Final = 5
_FIRST_PAUSE: Final = 0.02  # seconds; doubled before each further try


def is_contention(error: OperationalError) -> bool:
    """Return False if the database is down."""
    return getattr(error.__cause__, "sqlstate", None) in _SQLSTATES


def retry(operation: Callable[[], T]) -> T:
    """
    Run it again after contention, up to five times; once inside a transaction of the caller,
    which is rolled back as a whole.

    :param operation: a transaction, or single statements that may be repeated
    :raises OperationalError: if contention does not end, or for any other reason
    """
    for count in range(1, _MOST_TRIES):
        try:
            return operation()
        except OperationalError as error:
            if database.in_atomic_block or not is_contention(error):
                raise
            _log_contention(error, count)
        time.sleep(_FIRST_PAUSE * 2 ** (count - 1))
    return operation()


def _log_contention(error: OperationalError, count: int) -> None:
    reason = type(error.__cause__).__name__
    logger.warning("database.contended", extra={"reason": reason, "attempt": count})
