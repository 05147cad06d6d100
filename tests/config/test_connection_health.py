"""Connections that the server ended: the next request opens another, and nobody sees an error."""

from __future__ import annotations

import time
from typing import Any

import psycopg
import pytest
from django.db import close_old_connections, connection
from django.db.backends.postgresql.base import DatabaseWrapper

from config.database.backend.base import TRUSTED_SECONDS
from tests.bench.caller import Caller

pytestmark = pytest.mark.django_db(transaction=True)

#: Counts the request in the database before anything is shown.
PAGE = "/accounts/login/"


def request_page() -> int:
    """Answer as a web server has it, with Django's signals; return the process of the database."""
    Caller().get(PAGE)
    pid: int = connection.connection.info.backend_pid
    return pid


def end_connection(pid: int) -> None:
    """Have the server end the connection, as it does all of them when it restarts."""
    with psycopg.connect(connection.connection.info.dsn, autocommit=True, **_password()) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


def _password() -> dict[str, Any]:
    return {"password": connection.settings_dict["PASSWORD"]}


@pytest.fixture
def checks(monkeypatch) -> list[str]:
    """Return a list that gets an item for each `SELECT 1`."""
    sent: list[str] = []
    ask = DatabaseWrapper.is_usable

    def check_and_count(wrapper: DatabaseWrapper) -> bool:
        sent.append("SELECT 1")
        return ask(wrapper)

    monkeypatch.setattr(DatabaseWrapper, "is_usable", check_and_count)
    return sent


class TestAConnection:
    def test_that_was_used_a_moment_ago_is_not_asked(self, checks):
        before = request_page()

        assert request_page() == before
        assert checks == []

    def test_that_was_idle_for_long_is_asked(self, checks):
        before = request_page()
        connection.used_at = time.monotonic() - TRUSTED_SECONDS

        assert request_page() == before
        assert checks == ["SELECT 1"]

    @pytest.mark.parametrize("idle", [0.0, TRUSTED_SECONDS])
    def test_that_the_server_ended_is_replaced(self, checks, idle):
        before = request_page()
        end_connection(before)
        connection.used_at -= idle

        assert request_page() != before
        assert checks == ["SELECT 1"]

    def test_that_was_closed_here_is_replaced(self):
        before = request_page()
        connection.connection.close()

        assert request_page() != before

    @pytest.mark.parametrize("statement", [b"SELECT pg_sleep(20)", b"BEGIN; SELECT 1/0"])
    def test_that_was_left_in_the_middle_of_a_statement_is_replaced(self, statement):
        """As a worker leaves it whose time limit ends within a statement."""
        before = request_page()
        left = connection.connection.pgconn
        left.send_query(statement)
        if b"BEGIN" in statement:
            while left.get_result():
                pass

        close_old_connections()

        assert request_page() != before
