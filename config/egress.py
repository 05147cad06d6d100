"""
What this service talks to, from its settings, and by which door; and who hears of anything else.

Of programs it starts one, the parser of untrusted bytes.

Ambient are database, broker and mail. A provider is reached through the adapters' transport
alone, for the one host of the request, and only by what runs for a purpose that has to
do with providers; the key store through its client alone. With a proxy for the way out, no
provider is reached at all but by asking the proxy.
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
from limited_use.vault.keyring.port import key_server_address

logger = logging.getLogger(__name__)

ALARM_KIND: Final = "egress.refused"
_PORTS: Final = {
    "https": 443, "http": 80, "redis": 6379, "rediss": 6379, "amqp": 5672, "amqps": 5671,
}  # fmt: skip
# No place: nothing is reached.
_NO_ENDPOINT: Final[Endpoint] = ("", 0)

#: The task that runs; empty in a request and in a command.
current_task: Final[ContextVar[str]] = ContextVar("task", default="")


@dataclass(frozen=True, slots=True)
class EgressEndpoints:
    """Every (host, port) that the settings name, by how it is reached."""

    # Of every process, at any time. The database's client is C and is not seen; it stands here
    # for what is.
    ambient: frozenset[Endpoint]
    # By the adapters' transport: the providers, or the proxy in their place.
    providers: frozenset[Endpoint]
    # By the keyring's client.
    keys: frozenset[Endpoint]


def read_proxy_url(env: Environment) -> str:
    """Return `EGRESS_PROXY`: where all requests to providers go through; empty: nowhere."""
    url = env.read_text("EGRESS_PROXY")
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in {"http", "https"} and parts.hostname and parts.port
    except ValueError:
        is_address = None
    if not is_address or parts.path.strip("/") or parts.query:
        env.add_problem("EGRESS_PROXY must be http://host:port, of a proxy that knows CONNECT")
    return url


def get_egress_endpoints(settings: Any) -> EgressEndpoints:
    """Return what the settings name."""
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
    """Return every (host, port) that the settings name, however it is reached."""
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
    Return the one place that the running code talks to now; None outside of any door.

    :param found: what each door may lead to; without it, anywhere
    """
    from integrations.providers import http

    key_server, provider = key_server_address.get(), http.current_destination.get()
    if key_server is not None:
        return key_server if endpoints is None or key_server in endpoints.keys else _NO_ENDPOINT
    if provider is None:
        return None
    is_declared = endpoints is None or provider in endpoints.providers
    return provider if is_declared and may_reach_providers(current_task.get()) else _NO_ENDPOINT


def may_reach_providers(task_name: str) -> bool:
    """
    Return whether the task `name` has a purpose that involves a provider.

    Also true for a name that is no task: requests have none.
    """
    from integrations.tasks.purposes import TASKS
    from limited_use.policy.vocabulary import Purpose

    task_purposes = TASKS.get(task_name)
    return task_purposes is None or bool(
        task_purposes.purposes & {Purpose.CONNECTION_MAINTAIN, Purpose.CONNECTION_END}
    )


def build_tripwire(settings: Any) -> Tripwire:
    """Return the tripwire of a process with these settings."""
    from integrations.parsers.parser_process import COMMAND

    endpoints = get_egress_endpoints(settings)
    # Imports what it needs, before anything is watched.
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
    """Put the tripwire up where the setting says so. Once everything is imported."""
    from django.conf import settings

    if settings.EGRESS_TRIPWIRE:
        # A worker's banner names the platform, for which Python starts `uname` once per process.
        platform.platform()
        arm_tripwire(build_tripwire(settings))


def report_attempt(attempt: EgressAttempt) -> None:
    """Say that something was refused: in the log now, and as an alarm, once a day and place."""
    logger.error(
        "egress.refused",
        extra={"resource": attempt.target, "port": attempt.port, "task": attempt.purpose},
    )
    # Of its own: whoever reached out may be inside a transaction, or have lost it.
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
        # The line in the log stands.
        logger.exception("egress.not_alarmed")
    finally:
        connection.close()
