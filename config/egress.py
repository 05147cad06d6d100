"""
Endpoints that the settings name, the rules for reaching them, and the report of all others.

Every process may reach database, broker and mail server. Only the adapters' transport reaches a
provider: one host per request, and only for tasks with a purpose that involves providers. Only
the keyring client reaches the key store. With an egress proxy, providers are reached through it
alone. The service starts one program, the parser of untrusted bytes.
"""

from __future__ import annotations

import logging
import platform
import threading
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from config.egress_tripwire import EgressAttempt, Endpoint, Tripwire, arm_tripwire
from config.environment import Environment
from config.provider_settings import BUILT_IN_HOSTS
from limited_use.vault.keyring.keyring_port import key_server_address

logger = logging.getLogger(__name__)

ALARM_KIND: Final = "egress.refused"
_PORTS: Final = {
    "https": 443, "http": 80, "redis": 6379, "rediss": 6379, "amqp": 5672, "amqps": 5671,
}  # fmt: skip
# Nothing is reachable.
_NO_ENDPOINT: Final[Endpoint] = ("", 0)

#: The running task; empty in requests and commands.
current_task: Final[ContextVar[str]] = ContextVar("task", default="")


@dataclass(frozen=True, slots=True)
class EgressEndpoints:
    """Every (host, port) in the settings, by access rule."""

    # For every process, at any time. The database client is C and not seen; its endpoint is listed
    # for the evidence.
    ambient: frozenset[Endpoint]
    # For the adapters' transport: the providers, or the proxy instead.
    providers: frozenset[Endpoint]
    # For the keyring client.
    keys: frozenset[Endpoint]


def read_proxy_url(env: Environment) -> str:
    """Read `EGRESS_PROXY`, the proxy for all requests to providers; empty: none."""
    url = env.read_text("EGRESS_PROXY")
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in {"http", "https"} and parts.hostname and parts.port
    except ValueError:
        is_address = None
    if not is_address or parts.path.strip("/") or parts.query:
        env.add_problem("EGRESS_PROXY must be http://host:port of a proxy that supports CONNECT")
    return url


def get_egress_endpoints(settings: Any) -> EgressEndpoints:
    urls = [
        url for provider in (settings.GOOGLE, settings.MICROSOFT) for url in provider.list_urls()
    ]
    if not settings.GOOGLE.api_root_url:
        urls += [f"https://{host}" for host in BUILT_IN_HOSTS]
    proxy_url = getattr(settings, "EGRESS_PROXY", "")
    ambient = _parse_endpoints([settings.BROKER_URL])
    if settings.EMAIL_BACKEND.endswith("smtp.EmailBackend"):
        ambient.add((settings.EMAIL_HOST.lower(), settings.EMAIL_PORT))
    database = settings.DATABASES["default"]
    if host := database.get("HOST"):
        ambient.add((host.lower(), int(database.get("PORT") or 5432)))
    return EgressEndpoints(
        ambient=frozenset(ambient),
        providers=frozenset(_parse_endpoints([proxy_url] if proxy_url else urls)),
        keys=frozenset(_parse_endpoints([settings.KEYRING.url])),
    )


def list_declared_endpoints(settings: Any) -> frozenset[Endpoint]:
    """Return every (host, port) in the settings."""
    endpoints = get_egress_endpoints(settings)
    return endpoints.ambient | endpoints.providers | endpoints.keys


def _parse_endpoints(urls: list[str]) -> set[Endpoint]:
    return {endpoint for url in urls if (endpoint := _parse_endpoint(url))}


def _parse_endpoint(url: str) -> Endpoint | None:
    parts = urlsplit(url)
    if not parts.hostname:
        return None
    return parts.hostname, parts.port or _PORTS.get(parts.scheme, 0)


def get_open_endpoint(endpoints: EgressEndpoints | None = None) -> Endpoint | None:
    """
    Return the only endpoint that the running code may reach now; None outside transport and
    keyring.

    :param endpoints: limits of transport and keyring client; None: no limits
    """
    from integrations.providers import provider_http

    key_server, provider = key_server_address.get(), provider_http.current_destination.get()
    if key_server is not None:
        return key_server if endpoints is None or key_server in endpoints.keys else _NO_ENDPOINT
    if provider is None:
        return None
    is_declared = endpoints is None or provider in endpoints.providers
    return provider if is_declared and may_reach_providers(current_task.get()) else _NO_ENDPOINT


def may_reach_providers(task_name: str) -> bool:
    """
    Return whether a task has a purpose that involves a provider.

    Also True for names of no task: requests have none.
    """
    from integrations.tasks.purposes import TASKS
    from limited_use.policy.policy_vocabulary import Purpose

    task_purposes = TASKS.get(task_name)
    return task_purposes is None or bool(
        task_purposes.purposes & {Purpose.CONNECTION_MAINTAIN, Purpose.CONNECTION_END}
    )


def build_tripwire(settings: Any) -> Tripwire:
    from integrations.parsers.parser_process import COMMAND

    endpoints = get_egress_endpoints(settings)
    # Import everything that is needed before the tripwire is armed.
    get_open_endpoint()
    may_reach_providers("")
    return Tripwire(
        endpoints=endpoints.ambient,
        programs=frozenset({COMMAND}),
        guarded_endpoints=endpoints.providers | endpoints.keys,
        get_open_endpoint=partial(get_open_endpoint, endpoints),
        get_current_task=current_task.get,
        record_attempt=report_attempt,
    )


def install_tripwire() -> None:
    """Install the tripwire if the setting asks for it. Call after all imports."""
    from django.conf import settings

    if settings.EGRESS_TRIPWIRE:
        # A worker's banner names the platform; Python starts `uname` for it once per process.
        platform.platform()
        arm_tripwire(build_tripwire(settings))


def report_attempt(attempt: EgressAttempt) -> None:
    """Log a refused attempt, and raise an alarm once per day and target."""
    logger.error(
        "egress.refused",
        extra={"resource": attempt.target, "port": attempt.port, "task": attempt.purpose},
    )
    # In its own thread: the caller may be inside a transaction, or have lost it.
    threading.Thread(target=_raise_alarm, args=(attempt,), daemon=True).start()


def _raise_alarm(attempt: EgressAttempt) -> None:
    from django.db import connection
    from django.utils import timezone

    from accounts import alarms

    at = timezone.now()
    try:
        alarms.raise_alarm(
            kind=ALARM_KIND,
            about=UUID(int=0),
            window=f"{attempt.target} {at:%Y-%m-%d}"[:64],
            body={"resource": attempt.target, "port": attempt.port, "task": attempt.purpose},
            at=at,
        )
    except Exception:
        # The log line remains.
        logger.exception("egress.not_alarmed")
    finally:
        connection.close()
