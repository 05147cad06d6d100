"""
The two sites: the ordinary one, and the staff pages at their own address.

A process class serves each. Accounts and second factors are shared; page routes, cookies and
sessions are separate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from config.address_checks import is_allowed_host
from config.environment import Environment
from config.process_classes import ProcessClass

ORDINARY: Final = "web"
STAFF: Final = "staff"

_URLCONFS: Final = {
    ProcessClass.WEB: "config.web_urls",
    ProcessClass.STAFF: "config.staff_urls",
}
#: All routes, for tests and development. No production process serves them.
_ALL_ROUTES: Final = "config.urls"
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Site:
    """
    The site that a web process serves.

    :param name: ORDINARY or STAFF; a session belongs to one of them
    :param url: its public address
    :param urlconf: module with its routes
    """

    name: str
    url: str
    urlconf: str

    @property
    def landing_path(self) -> str:
        """Path of the page after a sign-in."""
        return "/" if self.name == STAFF else "/start/"

    def name_cookie(self, name: str, *, is_secure: bool) -> str:
        """Return the name of a cookie of this site: ports of one host share cookies."""
        return _name_cookie(self.name, name, is_secure=is_secure)

    def list_foreign_cookies(self, names: tuple[str, ...], *, is_secure: bool) -> frozenset[str]:
        """Return the other site's names of these cookies."""
        other = ORDINARY if self.name == STAFF else STAFF
        return frozenset(_name_cookie(other, name, is_secure=is_secure) for name in names)


def choose_site(process_class: str, *, public_url: str, staff_url: str) -> Site:
    """Return the site of a process class; the ordinary site for other processes."""
    urlconf = _URLCONFS.get(process_class, _ALL_ROUTES)  # type: ignore[call-overload]  # a str is equal
    if process_class == ProcessClass.STAFF:
        return Site(STAFF, staff_url, urlconf)
    return Site(ORDINARY, public_url, urlconf)


def read_staff_url(env: Environment, *, production: bool, public_url: str) -> str:
    if not production:
        return env.read_text("STAFF_URL", "http://localhost:8001").rstrip("/")
    url = env.read_required("STAFF_URL", "the https:// address of the staff site").rstrip("/")
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        staff_host, public_host = _get_host_and_port(url), _get_host_and_port(public_url)
    except ValueError:
        env.add_problem("STAFF_URL must be an https:// address")
        return url
    if parts.scheme != "https" or not parts.hostname:
        env.add_problem("STAFF_URL must begin with https://")
    elif parts.hostname.startswith(".") or not is_allowed_host(parts.hostname):
        env.add_problem("STAFF_URL must name one host")
    if parts.username or parts.path or parts.query or parts.fragment:
        env.add_problem("STAFF_URL must be a host, with or without a port, and no path")
    if staff_host == public_host:
        env.add_problem("STAFF_URL must differ from PUBLIC_URL in its host or its port")
    return url


def get_host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _get_host_and_port(url: str) -> tuple[str, int | None]:
    parts = urlsplit(url)
    return (parts.hostname or "").rstrip("."), parts.port or _DEFAULT_PORTS.get(parts.scheme)


def _name_cookie(site: str, name: str, *, is_secure: bool) -> str:
    site_name = f"{site}-{name}" if site == STAFF else name
    return f"__Host-{site_name}" if is_secure else site_name
