"""
The task broker: its address, and the verification of its certificate.

By default Celery verifies no certificate of a `rediss://` server, and would tell any server the
password.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from config.address_checks import is_loopback, is_readable_url
from config.environment import Environment

# Celery reads these instead of our settings. Its command copies `BROKER_URL` into the first before
# loading them.
_CELERY_BROKER_VARIABLES: Final = (
    "CELERY_BROKER_URL",
    "CELERY_BROKER_READ_URL",
    "CELERY_BROKER_WRITE_URL",
)
_CELERY_RESULT_VARIABLE: Final = "CELERY_RESULT_BACKEND"


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """
    The broker that queues tasks.

    :param tls: Celery's `broker_use_ssl`; None without TLS
    """

    url: str
    tls: dict[str, Any] | None


def read_broker_settings(env: Environment, *, production: bool) -> BrokerSettings:
    url = (
        env.read_required("BROKER_URL", "rediss:// address of the task broker")
        if production
        else env.read_text("BROKER_URL", "redis://localhost:6379/0")
    )
    authority = env.read_text("BROKER_CA")
    if authority and not Path(authority).is_file():
        env.add_problem("BROKER_CA is not a file: the authority's certificate, PEM")
    if url and not _is_safe_url(url) and (production or _is_tls_url(url)):
        env.add_problem("BROKER_URL must be rediss://host:port/number; redis:// only on loopback")
    if production:
        _check_celery_variables(env, url)
    return BrokerSettings(url, get_tls_options(url, authority))


def _check_celery_variables(env: Environment, url: str) -> None:
    for name in _CELERY_BROKER_VARIABLES:
        if env.read_text(name) not in {"", url}:
            env.add_problem(f"{name} is set: Celery would use it instead of BROKER_URL")
    if env.read_text(_CELERY_RESULT_VARIABLE):
        env.add_problem(
            f"{_CELERY_RESULT_VARIABLE} is set: Celery would keep results of tasks there"
        )


def get_tls_options(url: str, authority: str) -> dict[str, Any] | None:
    """
    Return connection options that require a certificate valid for the host of `url`.

    :param authority: file of certificates to trust in addition to the system's; may be empty
    """
    if not _is_tls_url(url):
        return None
    return {
        "ssl_cert_reqs": ssl.CERT_REQUIRED,
        "ssl_check_hostname": True,
        "ssl_ca_certs": authority or None,
    }


def _is_tls_url(url: str) -> bool:
    return url.lower().startswith("rediss:")


def _is_safe_url(url: str) -> bool:
    if not is_readable_url(url):
        return False
    parts = urlsplit(url)
    # The query overrides `get_tls_options`; a semicolon separates a second address.
    if parts.query or parts.fragment or ";" in url:
        return False
    if parts.scheme == "redis+socket":
        return not parts.netloc and parts.path.startswith("/")
    host = parts.hostname or ""
    return bool(host) and (
        parts.scheme == "rediss" or (parts.scheme == "redis" and is_loopback(host))
    )
