"""
Settings of the keyring: a transit engine, or files in a folder.

Production needs explicit consent to a file keyring: no operator can promise that a destroyed file
has no copy, and the evidence reports the clause as not met.
"""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from config.environment import Environment

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_PATH: Final = re.compile(r"[a-z0-9-]+(/[a-z0-9-]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyringSettings:
    """
    Location of the keyring, and this process's credentials.

    With `url` a transit engine, otherwise the files in `folder`. The process authenticates by
    `token`, or by AppRole (`role_id`, `secret_id`).

    :param ca: PEM file of the engine's certificate authority; empty: the system's
    :param folder: None with a transit engine
    :param snapshot_retention_days: lifetime of copies of the key store; None: unknown, as
        receipts then state
    """

    url: str
    mount: str
    prefix: str
    token: str = field(repr=False)
    role_id: str
    secret_id: str = field(repr=False)
    ca: str
    folder: Path | None
    snapshot_retention_days: int | None


def read_keyring(env: Environment, *, production: bool, default_folder: Path) -> KeyringSettings:
    """Read the settings of the keyring; without KEYRING_URL it is a folder."""
    url = env.read_text("KEYRING_URL").rstrip("/")
    keyring = KeyringSettings(
        url=url,
        mount=env.read_text("KEYRING_MOUNT", "transit"),
        prefix=env.read_text("KEYRING_PREFIX", "antares"),
        token=env.read_text("KEYRING_TOKEN"),
        role_id=env.read_text("KEYRING_ROLE_ID"),
        secret_id=env.read_text("KEYRING_SECRET_ID"),
        ca=env.read_text("KEYRING_CA"),
        folder=None if url else _read_folder(env, production=production, default=default_folder),
        snapshot_retention_days=_read_retention(env),
    )
    if url:
        _check_transit(env, keyring, production=production)
    return keyring


def _read_retention(env: Environment) -> int | None:
    if not env.read_text("KEYRING_SNAPSHOT_RETENTION"):
        return None
    return env.read_number("KEYRING_SNAPSHOT_RETENTION", 0, minimum=0)


def _check_transit(env: Environment, keyring: KeyringSettings, *, production: bool) -> None:
    if not _is_engine_url(keyring.url, production=production):
        env.add_problem(
            "KEYRING_URL must be https://host:port, and http:// on loopback in development"
        )
    for name, path in (("KEYRING_MOUNT", keyring.mount), ("KEYRING_PREFIX", keyring.prefix)):
        if not _PATH.fullmatch(path):
            env.add_problem(f"{name} must be lower-case letters, digits and hyphens")
    has_role = bool(keyring.role_id and keyring.secret_id)
    if bool(keyring.role_id) != bool(keyring.secret_id) or has_role == bool(keyring.token):
        env.add_problem("set either KEYRING_TOKEN, or KEYRING_ROLE_ID and KEYRING_SECRET_ID")
    if keyring.ca and not Path(keyring.ca).is_file():
        env.add_problem("KEYRING_CA is not a file: the authority's certificate, PEM")


def _is_engine_url(url: str, *, production: bool) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    is_plain_loopback = parts.scheme == "http" and parts.hostname in _LOOPBACK and not production
    return (
        (parts.scheme == "https" or is_plain_loopback)
        and bool(parts.hostname)
        and parts.username is None
        and not (parts.path or parts.query or parts.fragment)
    )


def _read_folder(env: Environment, *, production: bool, default: Path) -> Path | None:
    if not production:
        return Path(env.read_text("KEYRING_DIR", str(default)))
    folder_name = env.read_text("KEYRING_DIR")
    if not folder_name:
        env.add_problem("KEYRING_URL is not set: https:// address of OpenBao or Vault")
        return None
    folder = Path(folder_name)
    if not env.read_flag("KEYRING_FILE_ACCEPTED"):
        env.add_problem("KEYRING_FILE_ACCEPTED is off: set it to on to accept a keyring in files")
    if not folder.is_dir():
        env.add_problem("KEYRING_DIR is not a folder, so there are no keys")
    elif stat.S_IMODE(folder.stat().st_mode) & 0o077:
        env.add_problem("KEYRING_DIR is readable by others: set its mode to 0700")
    return folder
