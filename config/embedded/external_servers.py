"""
Checks that external servers answer, and are new enough. Messages contain no part of a URL that
could hold a password.
"""

from __future__ import annotations

from typing import Final

import psycopg

from config.broker import get_tls_options
from config.embedded.child_processes import EmbeddedServersUnavailable

_TIMEOUT_SECONDS: Final = 5  # seconds
_OLDEST_VERSION: Final = 16


def check_database(url: str) -> None:
    """:raises EmbeddedServersUnavailable: unless a new enough PostgreSQL accepts the login"""
    if not url.startswith(("postgresql://", "postgres://")):
        raise EmbeddedServersUnavailable(
            "DATABASE_URL must be a postgresql:// address; there is no other dialect"
        )
    try:
        with psycopg.connect(url, connect_timeout=_TIMEOUT_SECONDS, autocommit=True) as connection:
            version = connection.info.server_version // 10000
    except psycopg.OperationalError as error:
        raise EmbeddedServersUnavailable(f"DATABASE_URL: {_first_line(error)}") from None
    except (psycopg.Error, ValueError):
        raise EmbeddedServersUnavailable(
            "DATABASE_URL is no address that PostgreSQL understands"
        ) from None
    if version < _OLDEST_VERSION:
        raise EmbeddedServersUnavailable(
            f"DATABASE_URL leads to PostgreSQL {version}: {_OLDEST_VERSION} or newer is needed"
        )


def check_broker(url: str, authority: str = "") -> None:
    """
    Connect to the broker at `url` once.

    :param authority: a file of certificates to trust in addition to the system's; may be empty
    :raises EmbeddedServersUnavailable: if no broker answers
    """
    # Imported late: the launcher seldom needs it, and would start more slowly.
    from kombu.connection import Connection
    from kombu.exceptions import OperationalError

    tls = get_tls_options(url, authority)
    try:
        with Connection(url, connect_timeout=_TIMEOUT_SECONDS, ssl=tls) as connection:  # type: ignore[no-untyped-call]  # ships no types
            connection.ensure_connection(max_retries=1, timeout=_TIMEOUT_SECONDS)
    except (OperationalError, OSError) as error:
        raise EmbeddedServersUnavailable(f"BROKER_URL: {_first_line(error)}") from None
    except Exception:  # noqa: BLE001 - each transport has errors of its own for what is no address
        raise EmbeddedServersUnavailable("BROKER_URL is no address of a Redis or Valkey") from None


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0].rstrip() if lines else type(error).__name__
