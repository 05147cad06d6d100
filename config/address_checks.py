"""Checks of addresses that look nothing up: loopback, https, PostgreSQL, wildcard hosts."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

# A leading dot stands for every name below. With fewer labels than this it is a suffix under which
# strangers have names, such as `.com`.
_MIN_LABELS: Final = 2
# A name, an address of version 4, or one of version 6 in brackets; no port.
_HOST: Final = re.compile(r"\.?[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?|\[[0-9a-f:.]+\]", re.IGNORECASE)
# Programs disagree about what these mean.
_AMBIGUOUS: Final = re.compile(r"[\s\\]")


def is_loopback(host: str) -> bool:
    """Return whether a connection to `host`, a name or an IP address, stays on this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def is_postgresql_url(url: str) -> bool:
    """Return whether `url` is postgresql:// or postgres://; as in any URL, case does not matter."""
    return is_readable_url(url) and urlsplit(url).scheme in {"postgres", "postgresql"}


def is_readable_url(url: str) -> bool:
    """Return whether host and port can be told from the rest of `url`, and no space is in it."""
    try:
        _ = urlsplit(url).port
    except ValueError:
        return False
    return not _AMBIGUOUS.search(url)


def is_https_url(url: str) -> bool:
    """Return whether `url` is https://host/path, with no user, query or fragment in it."""
    if not is_readable_url(url):
        return False
    parts = urlsplit(url)
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
    if not _HOST.fullmatch(pattern):
        return False
    if not pattern.startswith("."):
        return True
    return len([label for label in pattern.split(".") if label]) >= _MIN_LABELS
