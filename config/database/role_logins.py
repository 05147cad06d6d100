"""
The database URL of each process class: the owner's URL with another user and password.

The command that creates the roles gets `DATABASE_URL_WEB`, `…_STAFF`, `…_SYNC`, `…_PURGE` and
`…_CONSOLE`, each process one of them. In development, all processes use `DATABASE_URL`.
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


def get_login_variable_name(process_class: ProcessClass) -> str:
    return f"DATABASE_URL_{process_class.upper()}"


def read_production_login(env: Environment, process_class: str, *, prefix: str) -> tuple[str, str]:
    """
    Return name and value of the setting with the process's database URL, and note its problems.

    :param process_class: a class, `OWNER`, or empty if the needed URL is unknown
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
    check_transport(env, get_login_variable_name(login_class), url)
    return get_login_variable_name(login_class), url


def read_class_login(env: Environment, process_class: ProcessClass, *, prefix: str) -> str:
    """Return the database URL of a class, and note its problems."""
    name, role = (
        get_login_variable_name(process_class),
        DatabaseRoles(prefix).get_login(process_class),
    )
    url = env.read_required(name, f"postgresql://{role}:password@host/name")
    if is_postgresql_url(url) and get_login_user(url) != role:
        env.add_problem(f"{name} must log in as {role}, the role of PROCESS_CLASS={process_class}")
    return url


def build_environment(logins: ClassLogins) -> dict[str, str]:
    return {get_login_variable_name(process_class): url for process_class, url in logins.items()}


def build_database_logins(
    owner_url: str, *, roles: DatabaseRoles, passwords: Mapping[ProcessClass, str]
) -> ClassLogins:
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


def get_login_user(url: str) -> str:
    return unquote(urlsplit(url).username or "") if is_readable_url(url) else ""


def get_database_login_password(url: str) -> str:
    return unquote(urlsplit(url).password or "")


def read_or_create_passwords(folder: Path) -> dict[ProcessClass, str]:
    folder.mkdir(mode=0o700, exist_ok=True)
    passwords = {}
    for process_class in ProcessClass:
        path = folder / str(process_class)
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(32), encoding="ascii")
        passwords[process_class] = path.read_text(encoding="ascii")
    return passwords
