"""To act as one class of process on the connection of the test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import psycopg
import pytest
from django.db import ProgrammingError, connection, transaction
from django.test import override_settings
from django.test.client import ClientHandler

from accounts import row_owner
from accounts.actors import Actor
from config.database import provisioning
from config.database.row_owners import get_owned_tables
from config.process_classes import ProcessClass
from config.sites import STAFF

# Set in the environment of requests to the staff site; a name that no header has.
AT_STAFF_SITE = "antares.at_staff_site"


@contextmanager
def acting_as(process_class: ProcessClass | str, whose: Any = None) -> Iterator[None]:
    """
    Have the rights of `process_class`, and no other, until the end of the block.

    A superuser can put them on and off; what is allowed goes by the role that is on.

    :param whose: a household or an actor, for whom it is done; None: whoever is entered
    """
    role = provisioning.get_roles().get_login(ProcessClass(process_class))
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('role')")
        before = cursor.fetchone()[0]
        cursor.execute("SELECT set_config('role', %s, false)", [role])
    try:
        with override_settings(PROCESS_CLASS=str(process_class)), _as(whose):
            yield
    finally:
        # A transaction that failed takes it back by its rollback.
        if connection.connection is not None and not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('role', %s, false)", [before])


def _as(whose: Any) -> AbstractContextManager[None]:
    if whose is None:
        return nullcontext()
    actor = whose if isinstance(whose, Actor) else whose.actor
    return row_owner.acting_for(actor.user_id, actor.organisation_id)


def run_sql(statement: str, *values: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else cursor.rowcount


def is_refused(statement: str, *values: Any, or_hidden: bool = False) -> bool:
    """
    Return whether the database itself refuses it for want of a right.

    :param or_hidden: or hides each row that it would change
    """
    try:
        with transaction.atomic():
            count = run_sql(statement, *values)
            return or_hidden and count == 0
    except ProgrammingError as error:
        return isinstance(error.__cause__, psycopg.errors.InsufficientPrivilege)


@pytest.fixture
def rows_are_not_hidden(db):
    """Take the wall around rows away: for what has to hold without it, too."""
    with connection.cursor() as cursor:
        for table in get_owned_tables():
            cursor.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    yield
    if connection.in_atomic_block:
        return  # Is rolled back.
    with connection.cursor() as cursor:
        for table in get_owned_tables():
            cursor.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")


@pytest.fixture
def requests_act_as_web(monkeypatch):
    """
    Answer every request of a test's client with the rights of a web process, and no other.

    That of a client `at_staff_site` is answered with the rights of the class that serves staff.
    """
    answer = ClientHandler.__call__

    def with_its_rights(handler, environ):
        if AT_STAFF_SITE in environ:
            with acting_as(ProcessClass.STAFF), override_settings(SITE=STAFF):
                return answer(handler, environ)
        with acting_as(ProcessClass.WEB):
            return answer(handler, environ)

    monkeypatch.setattr(ClientHandler, "__call__", with_its_rights)
