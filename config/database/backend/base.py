"""
Sets person and organisation in each transaction, before a statement touches owned rows.

Both settings are local to the transaction (`set_config(…, true)`), so the next transaction starts
without a person. Outside a transaction block, settings and statement share one pipeline, which
PostgreSQL runs as one transaction, without an extra round trip.
"""

from __future__ import annotations

import re
import secrets
import select
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from typing import Any, Final

import psycopg
from django.conf import settings
from django.db.backends.postgresql import base
from psycopg.pq import TransactionStatus

from accounts import row_owner
from config.database.session_settings import ORGANISATION, PERSON
from config.process_classes import SITES, ProcessClass

#: Classes that see the rows of one person. Development processes, which have no class, also set the
#: person, for the functions below.
_CLASSES_WITH_OWNER: Final = frozenset({"", ProcessClass.SYNC, *SITES})
#: Prefixes of the functions that depend on the transaction's person.
_OWNER_FUNCTIONS: Final = (
    "vault_person_",
    "vault_opened_",
    "find_colleague",
    "find_kept_factor",
    "is_stored_factor",
    "share_partners",
    "open_support_lookup",
    "count_support_effect",
    "list_bulk_receipts",
    "count_bulk_purges",
    "find_bulk_staff",
)
#: Statements that read or write rows. Policies do not apply to others, which may consist of several
#: statements.
_STATEMENT: Final = re.compile(
    r"\s*\(*\s*(?:SELECT|INSERT|UPDATE|DELETE|WITH|MERGE)\b", re.IGNORECASE
)
#: A connection with a silent socket counts as usable for so many seconds after its last statement.
#: No firewall drops a connection so soon.
TRUSTED_SECONDS: Final = 10.0
_SET_OWNER: Final = (
    f"SELECT set_config('{PERSON}', %s, true), set_config('{ORGANISATION}', %s, true)"
)


class DatabaseWrapper(base.DatabaseWrapper):
    health_check_done: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.execute_wrappers.append(_execute_with_owner)
        self._settings_cursor: psycopg.Cursor[Any] | None = None
        self.used_at = 0.0

    def close_if_health_check_failed(self) -> None:
        """
        Skip Django's `SELECT 1` for a recently used connection with a silent socket.

        A server that ends a connection reports it on the socket and closes it.
        """
        if self.connection is not None and not self.health_check_done:
            self.health_check_done = self._was_used_lately() and _is_silent(self.connection)
        super().close_if_health_check_failed()

    def _was_used_lately(self) -> bool:
        return time.monotonic() - self.used_at < TRUSTED_SECONDS

    def connect(self) -> None:
        """
        Connect, and close the connection at a random time in the second half of its maximum age.

        Busy threads connect together; closing together would make their requests wait at once.
        """
        super().connect()
        if self.close_at is not None:
            longest = self.settings_dict["CONN_MAX_AGE"]
            self.close_at -= secrets.randbelow(longest // 2 + 1)

    def get_settings_cursor(self) -> psycopg.Cursor[Any]:
        """Return the cursor that sets person and organisation. Each connection has one."""
        if self._settings_cursor is None or self._settings_cursor.connection is not self.connection:
            self._settings_cursor = psycopg.Cursor(self.connection)
        return self._settings_cursor


def _execute_with_owner(
    execute: Callable[..., Any],
    sql: Any,
    params: Any,
    many: bool,  # noqa: FBT001 - Django's shape
    context: dict[str, Any],
) -> Any:
    wrapper: DatabaseWrapper = context["connection"]
    wrapper.used_at = time.monotonic()
    if settings.PROCESS_CLASS not in _CLASSES_WITH_OWNER or not touches_owned_rows(sql):
        return execute(sql, params, many, context)
    owner = row_owner.get_owner()
    connection: psycopg.Connection[Any] = wrapper.connection
    if owner == row_owner.NO_OWNER and connection.autocommit:
        # The statement is its own transaction without settings, so it sees no rows.
        return execute(sql, params, many, context)
    cursor = context["cursor"].cursor
    values = tuple(str(part) if part is not None else "" for part in owner)
    # A pipeline raises its errors at its end, outside Django's conversion of errors.
    with wrapper.wrap_database_errors, _join_statements(connection, cursor, many=many):
        wrapper.get_settings_cursor().execute(_SET_OWNER, values)
        return execute(sql, params, many, context)


def _join_statements(
    connection: psycopg.Connection[Any], cursor: object, *, many: bool
) -> AbstractContextManager[Any]:
    """Return the cheapest context that runs two statements in one transaction."""
    if not many and not isinstance(cursor, psycopg.ServerCursor):
        return connection.pipeline()
    # psycopg uses a pipeline of its own, or none, for these.
    return connection.transaction() if connection.autocommit else nullcontext()


def _is_silent(connection: psycopg.Connection[Any]) -> bool:
    """
    Return whether a connection is open and idle, and the server has sent nothing.

    A connection is not idle if a time limit, or another error outside the database, interrupted a
    statement or a transaction.
    """
    if connection.closed or connection.info.transaction_status != TransactionStatus.IDLE:
        return False
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return not poll.poll(0)


def touches_owned_rows(sql: Any) -> bool:
    """
    Return whether a statement may use a table with owned rows, or a function that depends on the
    person.

    A wrong answer reveals nothing: a transaction without a person sees no rows.
    """
    return _names_owned_table(sql) if isinstance(sql, str) else True


@lru_cache(maxsize=4096)
def _names_owned_table(sql: str) -> bool:
    # Models cannot be imported before the backend exists.
    from config.database.row_owners import get_owned_tables

    names = (*get_owned_tables(), *_OWNER_FUNCTIONS)
    return _STATEMENT.match(sql) is not None and any(name in sql for name in names)
