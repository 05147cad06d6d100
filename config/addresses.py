"""Checks of addresses that look nothing up: loopback, https, PostgreSQL, wildcard hosts."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

# A leading dot stands for every name below. With fewer labels than this it is a suffix under which
# strangers have names, such as `.com`.
_LEAST_LABELS: Final = 2


def is_loopback(host: str) -> bool:
    """Return whether a connection to `host`, a name or an IP address, stays on this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def is_postgresql_url(url: str) -> bool:
    """Return whether `url` is postgresql:// or postgres://; as in any URL, case does not matter."""
    return urlsplit(url).scheme in {"postgres", "postgresql"}


def is_https_url(url: str) -> bool:
    """Return whether `url` is https://host/path, with no user, query or fragment in it."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    return (
        parts.scheme == "https"
        and bool(parts.hostname)
        and parts.username is None
        and not (parts.query or parts.fragment)
    )


def is_allowed_host(pattern: str) -> bool:
    """
    Return whether an entry of `ALLOWED_HOSTS` names a host, or all hosts below a domain.

    A public suffix of two labels (`.co.uk`) passes: only a list of suffixes would tell it.
    """
    if "*" in pattern or not pattern.strip("."):
        return False
    if not pattern.startswith("."):
        return True
    return len([label for label in pattern.split(".") if label]) >= _LEAST_LABELS
