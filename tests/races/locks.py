"""Sessions that hold and want locks, in the order that a test says."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection


@contextmanager
def session(**settings: str) -> Iterator[psycopg.Connection]:
    """Yield another session at the database of the test, with these settings; it is rolled back."""
    params = connection.get_connection_params()
    names = ("dbname", "user", "host", "password", "port")
    given = {name: params[name] for name in names if name in params}
    with psycopg.connect(**given) as other:
        for name, value in settings.items():
            other.execute(f"SET {name} = '{value}'")
        other.commit()
        yield other
        other.rollback()


def run_in_session(work: Callable[[], Any], **settings: str) -> Any:
    """Return what `work` returns; in a thread of its own, under these settings of its session."""
    try:
        with connection.cursor() as cursor:
            for name, value in settings.items():
                cursor.execute(f"SET {name} = '{value}'")
        return work()
    finally:
        connection.close()


def wait_for_waiters(count: int) -> None:
    """Return once so many sessions wait for a lock."""
    deadline = time.monotonic() + 10
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(waiting + " AND datname = current_database()")
            if cursor.fetchone()[0] >= count:
                return
        time.sleep(0.01)
    raise AssertionError("they do not wait")
