"""Checks of addresses without look-ups: loopback, https, PostgreSQL, wildcard hosts."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

# A leading dot stands for all names below. With fewer labels it is a suffix that strangers have
# names under, such as `.com`.
_MIN_LABELS: Final = 2
# A name, an IPv4 address, or an IPv6 address in brackets; no port.
_HOST: Final = re.compile(r"\.?[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?|\[[0-9a-f:.]+\]", re.IGNORECASE)
# Parsers disagree about these.
_AMBIGUOUS: Final = re.compile(r"[\s\\]")
_MAIL_ADDRESS: Final = re.compile(r"[^@\s<>]+@[^@\s<>]+\.[^@\s<>]+")


def is_loopback(host: str) -> bool:
    """Return whether a host name or IP address is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def is_postgresql_url(url: str) -> bool:
    """Return whether `url` is postgresql:// or postgres://, in any case."""
    return is_readable_url(url) and urlsplit(url).scheme in {"postgres", "postgresql"}


def is_readable_url(url: str) -> bool:
    """Return whether `url` has a parseable host and port, and no space or backslash."""
    try:
        _ = urlsplit(url).port
    except ValueError:
        return False
    return not _AMBIGUOUS.search(url)


def is_https_url(url: str) -> bool:
    """Return whether `url` is https://host/path, without user, query or fragment."""
    if not is_readable_url(url):
        return False
    parts = urlsplit(url)
    return (
        parts.scheme == "https"
        and bool(parts.hostname)
        and parts.username is None
        and not (parts.query or parts.fragment)
    )


def is_mail_address(text: str) -> bool:
    """Return whether `text` is a bare mail address, without a name."""
    return bool(_MAIL_ADDRESS.fullmatch(text))


def is_allowed_host(pattern: str) -> bool:
    """
    Return whether an entry of `ALLOWED_HOSTS` names a host, or all hosts below a domain.

    A public suffix of two labels (`.co.uk`) passes: only a list of suffixes could tell.
    """
    if not _HOST.fullmatch(pattern):
        return False
    if not pattern.startswith("."):
        return True
    return len([label for label in pattern.split(".") if label]) >= _MIN_LABELS
