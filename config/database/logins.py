"""
Where each class of process logs in: the owner's address, with another name and password.

An operator gives `DATABASE_URL_WEB`, `…_SYNC`, `…_PURGE` and `…_CONSOLE` to the command that makes
the roles, and each of them as `DATABASE_URL` to the processes of that class.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from config.classes import ProcessClass
from config.database.roles import Roles

Logins = Mapping[ProcessClass, str]


def variable(process_class: ProcessClass) -> str:
    """Return the name under which the command that makes the roles finds the address."""
    return f"DATABASE_URL_{process_class.upper()}"


def environment(logins: Logins) -> dict[str, str]:
    return {variable(process_class): url for process_class, url in logins.items()}


def beside(owner_url: str, *, roles: Roles, passwords: Mapping[ProcessClass, str]) -> Logins:
    """Return the addresses of the roles on the server that the owner is reached at."""
    parts = urlsplit(owner_url)
    place = parts.netloc.rpartition("@")[2]
    return {
        process_class: urlunsplit(
            parts._replace(
                netloc=f"{quote(roles.of(process_class), '')}:{quote(password, '')}@{place}"
            )
        )
        for process_class, password in passwords.items()
    }


def password_of(url: str) -> str:
    return unquote(urlsplit(url).password or "")


def kept(folder: Path) -> dict[ProcessClass, str]:
    """Return a password for each class from its file in `folder`, made where there is none."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = {}
    for process_class in ProcessClass:
        path = folder / str(process_class)
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(32), encoding="ascii")
        found[process_class] = path.read_text(encoding="ascii")
    return found
