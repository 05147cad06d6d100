"""
Where each class of process logs in: the owner's address, with another name and password.

An operator gives `DATABASE_URL_WEB`, `…_STAFF`, `…_SYNC`, `…_PURGE` and `…_CONSOLE` to the command
that makes the roles, and each of them to the processes of that class. In development a process of
any class logs in with `DATABASE_URL`.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from config.address_checks import is_postgresql_url, is_readable_url
from config.database.connection_security import check_transport
from config.database.login_roles import DatabaseRoles
from config.environment import Environment
from config.process_classes import OWNER, ProcessClass

ClassLogins = Mapping[ProcessClass, str]


def get_variable_name(process_class: ProcessClass) -> str:
    """Return the name of the setting that has the address of the class."""
    return f"DATABASE_URL_{process_class.upper()}"


def read_production_login(env: Environment, process_class: str, *, prefix: str) -> tuple[str, str]:
    """
    Return name and value of the setting by which a process logs in; note what is wrong with it.

    :param process_class: a class, `OWNER`, or nothing: then it is unknown which one is needed
    """
    if process_class == OWNER:
        meaning = "postgresql://user:password@host/name of the owner of the tables"
        url = env.read_required("DATABASE_URL", meaning)
        check_transport(env, "DATABASE_URL", url)
        return "DATABASE_URL", url
    if not process_class:
        return "DATABASE_URL", ""
    login_class = ProcessClass(process_class)
    url = read_class_login(env, login_class, prefix=prefix)
    check_transport(env, get_variable_name(login_class), url)
    return get_variable_name(login_class), url


def read_class_login(env: Environment, process_class: ProcessClass, *, prefix: str) -> str:
    """Return the address at which a class logs in; note what is wrong with it."""
    name, role = get_variable_name(process_class), DatabaseRoles(prefix).get_login(process_class)
    url = env.read_required(name, f"postgresql://{role}:password@host/name")
    if is_postgresql_url(url) and get_user(url) != role:
        env.add_problem(f"{name} must log in as {role}, the role of PROCESS_CLASS={process_class}")
    return url


def build_environment(logins: ClassLogins) -> dict[str, str]:
    return {get_variable_name(process_class): url for process_class, url in logins.items()}


def build_logins(
    owner_url: str, *, roles: DatabaseRoles, passwords: Mapping[ProcessClass, str]
) -> ClassLogins:
    """Return the addresses of the roles on the server that the owner is reached at."""
    parts = urlsplit(owner_url)
    host = parts.netloc.rpartition("@")[2]
    return {
        process_class: urlunsplit(
            parts._replace(
                netloc=f"{quote(roles.get_login(process_class), '')}:{quote(password, '')}@{host}"
            )
        )
        for process_class, password in passwords.items()
    }


def get_user(url: str) -> str:
    """Return who logs in with `url`; nobody if it cannot be read."""
    return unquote(urlsplit(url).username or "") if is_readable_url(url) else ""


def get_password(url: str) -> str:
    return unquote(urlsplit(url).password or "")


def read_or_create_passwords(folder: Path) -> dict[ProcessClass, str]:
    """Return a password for each class from its file in `folder`, made where there is none."""
    folder.mkdir(mode=0o700, exist_ok=True)
    passwords = {}
    for process_class in ProcessClass:
        path = folder / str(process_class)
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(32), encoding="ascii")
        passwords[process_class] = path.read_text(encoding="ascii")
    return passwords
