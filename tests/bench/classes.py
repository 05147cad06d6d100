"""
The service logged in as it runs: with the rights of a class of process, and no others.

What there is to read is written by the owner of the tables, from whom nothing is hidden; what is
measured of the service goes through the walls.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import connections

from config.database import provisioning, role_logins
from config.environment import Environment
from config.process_classes import ProcessClass


@contextmanager
def logged_in(process_class: ProcessClass, *, to: Any = None) -> Iterator[Any]:
    """
    Yield a connection with the login of a class, closed at the end.

    :param to: the owner's connection to the database; None: the one at hand
    :raises AssertionError: if it may do more than its class
    """
    owner = to or connections["default"]
    with use_database(owner):
        # Rights on tables come with a copy of a database, those on the database itself do not.
        provisioning.build_walls()
    name = role_logins.get_login_variable_name(process_class)
    login = Environment({}).read_database(name, os.environ[name])
    found = connections.create_connection("default")
    found.settings_dict = {
        **owner.settings_dict,
        "USER": login["USER"],
        "PASSWORD": login["PASSWORD"],
    }
    try:
        with use_database(found):
            if beyond := provisioning.find_excess_rights(process_class):
                raise AssertionError(beyond)
        yield found
    finally:
        found.close()


def turn_to(database: Any) -> None:
    """Have everything ask `database` from now on, as a process of the class that is logged in."""
    connections["default"] = database
    settings.PROCESS_CLASS = provisioning.get_roles().login_classes.get(
        database.settings_dict["USER"], ""
    )


def as_of(database: Any, call: Callable[[], object]) -> Callable[[], object]:
    """Return `call`, made as whoever is logged in to `database`."""

    def turn_and_call() -> object:
        turn_to(database)
        return call()

    return turn_and_call


@contextmanager
def use_database(database: Any) -> Iterator[None]:
    """Have everything ask `database`. See `turn_to`."""
    before = connections["default"]
    turn_to(database)
    try:
        yield
    finally:
        turn_to(before)
