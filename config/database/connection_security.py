"""Checks that the network cannot read or impersonate the database connection."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from config.address_checks import is_loopback, is_postgresql_url
from config.environment import Environment

_VERIFIED = "verify-full"


def check_transport(env: Environment, name: str, url: str) -> None:
    """
    Note a problem unless the database is on this machine, or its certificate is verified.

    libpq fills in missing parts from its own variables (PGHOST and others), so they are checked
    as well.
    """
    # `Environment.read_database` notes an unreadable URL.
    if not is_postgresql_url(url):
        return
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    if options.get("sslmode") == _VERIFIED:
        return
    hosts = options.get("host") or parts.hostname or env.read_text("PGHOST")
    addresses = options.get("hostaddr") or env.read_text("PGHOSTADDR")
    is_elsewhere = bool(options.get("service") or env.read_text("PGSERVICE"))
    addresses_to_check = [*hosts.split(","), *filter(None, addresses.split(","))]
    if is_elsewhere or not all(map(_is_local, addresses_to_check)):
        env.add_problem(f"{name} needs ?sslmode={_VERIFIED}: the database is not on this machine")


def _is_local(host: str) -> bool:
    # A folder with a socket, an abstract socket, or the default folder.
    return not host or host.startswith(("/", "@")) or is_loopback(host)
