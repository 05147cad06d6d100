"""
Where the keys above all keys are: a transit engine, or files in a folder.

Production takes files only when told to: nobody can promise that no copy of a destroyed
file exists, and the evidence then reports that clause as not met.
"""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from config.env import Environment

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_PATH: Final = re.compile(r"[a-z0-9-]+(/[a-z0-9-]+)*")


def key_store(env: Environment, *, production: bool) -> dict[str, str]:
    """Return every setting of the transit engine by name; without KEYRING_URL all are empty."""
    names = ("URL", "MOUNT", "PREFIX", "TOKEN", "ROLE_ID", "SECRET_ID", "CA")
    defaults = {"MOUNT": "transit", "PREFIX": "antares"}
    found = {name: env.text(f"KEYRING_{name}", defaults.get(name, "")) for name in names}
    found["URL"] = found["URL"].rstrip("/")
    if found["URL"]:
        _check(env, found, production=production)
    return {f"KEYRING_{name}": value for name, value in found.items()}


def _check(env: Environment, found: dict[str, str], *, production: bool) -> None:
    if not _is_address(found["URL"], production=production):
        env.problem("KEYRING_URL must be https://host:port, and http:// on loopback in development")
    for name in ("MOUNT", "PREFIX"):
        if not _PATH.fullmatch(found[name]):
            env.problem(f"KEYRING_{name} must be lower-case letters, digits and hyphens")
    has_role = bool(found["ROLE_ID"] and found["SECRET_ID"])
    if bool(found["ROLE_ID"]) != bool(found["SECRET_ID"]) or has_role == bool(found["TOKEN"]):
        env.problem("KEYRING_TOKEN, or KEYRING_ROLE_ID and KEYRING_SECRET_ID: one of the two")
    if found["CA"] and not Path(found["CA"]).is_file():
        env.problem("KEYRING_CA is not a file: the authority's certificate, PEM")


def _is_address(url: str, *, production: bool) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    plain = parts.scheme == "http" and parts.hostname in _LOOPBACK and not production
    return (
        (parts.scheme == "https" or plain)
        and bool(parts.hostname)
        and parts.username is None
        and not (parts.path or parts.query or parts.fragment)
    )


def key_folder(env: Environment, *, production: bool, default: Path, other: str) -> Path | None:
    """
    Return the folder of a file keyring, None if there is another.

    :param other: the address of the transit engine, if that is used
    """
    if other:
        return None
    if not production:
        return Path(env.text("KEYRING_DIR", str(default)))
    named = env.text("KEYRING_DIR")
    if not named:
        env.problem("KEYRING_URL is not set: https:// address of OpenBao or Vault, with the keys")
        return None
    folder = Path(named)
    if not env.flag("KEYRING_FILE_ACCEPTED"):
        env.problem("KEYRING_FILE_ACCEPTED is off: a file keyring needs your explicit yes")
    if not folder.is_dir():
        env.problem("KEYRING_DIR is not a folder: there are no keys to start with")
    elif stat.S_IMODE(folder.stat().st_mode) & 0o077:
        env.problem("KEYRING_DIR is open to others: its mode must be 0700")
    return folder
