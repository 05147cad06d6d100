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

from config.egress_tripwire import Attempt, Place, Tripwire, arm
from config.environment import Environment
from config.provider_settings import BUILT_IN_HOSTS
from limited_use.vault.keyring.port import key_server_address

logger = logging.getLogger(__name__)

KIND: Final = "egress.refused"
_PORTS: Final = {
    "https": 443, "http": 80, "redis": 6379, "rediss": 6379, "amqp": 5672, "amqps": 5671,
}  # fmt: skip
# No place: nothing is reached.
_NOWHERE: Final[Place] = ("", 0)

#: The task that runs; empty in a request and in a command.
task: Final[ContextVar[str]] = ContextVar("task", default="")


@dataclass(frozen=True, slots=True)
class Ways:
    """Every (host, port) that the settings name, by how it is reached."""

    # Of every process, at any time. The database's client is C and is not seen; it stands here
    # for what is.
    ambient: frozenset[Place]
    # By the adapters' transport: the providers, or the proxy in their place.
    providers: frozenset[Place]
    # By the keyring's client.
    keys: frozenset[Place]


def proxy(env: Environment) -> str:
    """Return `EGRESS_PROXY`: where all requests to providers go through; empty: nowhere."""
    url = env.text("EGRESS_PROXY")
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in {"http", "https"} and parts.hostname and parts.port
    except ValueError:
        is_address = None
    if not is_address or parts.path.strip("/") or parts.query:
        env.problem("EGRESS_PROXY must be http://host:port, of a proxy that knows CONNECT")
    return url


def ways(settings: Any) -> Ways:
    """Return what the settings name."""
    urls = [
        url for provider in (settings.GOOGLE, settings.MICROSOFT) for url in provider.list_urls()
    ]
    if not settings.GOOGLE.api_root_url:
        urls += [f"https://{host}" for host in BUILT_IN_HOSTS]
    through = getattr(settings, "EGRESS_PROXY", "")
    ambient = _places([settings.BROKER_URL])
    if settings.EMAIL_BACKEND.endswith("smtp.EmailBackend"):
        ambient.add((settings.EMAIL_HOST.lower(), settings.EMAIL_PORT))
    database = settings.DATABASES["default"]
    if host := database.get("HOST"):
        ambient.add((host.lower(), int(database.get("PORT") or 5432)))
    return Ways(
        ambient=frozenset(ambient),
        providers=frozenset(_places([through] if through else urls)),
        keys=frozenset(_places([settings.KEYRING.url])),
    )


def declared(settings: Any) -> frozenset[Place]:
    """Return every (host, port) that the settings name, however it is reached."""
    found = ways(settings)
    return found.ambient | found.providers | found.keys


def _places(urls: list[str]) -> set[Place]:
    return {place for url in urls if (place := _place(url))}


def _place(url: str) -> Place | None:
    parts = urlsplit(url)
    if not parts.hostname:
        return None
    return parts.hostname, parts.port or _PORTS.get(parts.scheme, 0)


def opened(found: Ways | None = None) -> Place | None:
    """
    Return the one place that the running code talks to now; None outside of any door.

    :param found: what each door may lead to; without it, anywhere
    """
    from integrations.providers import http

    keys, provider = key_server_address.get(), http.towards.get()
    if keys is not None:
        return keys if found is None or keys in found.keys else _NOWHERE
    if provider is None:
        return None
    is_declared = found is None or provider in found.providers
    return provider if is_declared and may_reach_providers(task.get()) else _NOWHERE


def may_reach_providers(name: str) -> bool:
    """
    Return whether the task `name` has a purpose that involves a provider.

    Also true for a name that is no task: requests have none.
    """
    from integrations.tasks.purposes import TASKS
    from limited_use.policy.vocabulary import Purpose

    known = TASKS.get(name)
    return known is None or bool(
        known.purposes & {Purpose.CONNECTION_MAINTAIN, Purpose.CONNECTION_END}
    )


def tripwire(settings: Any) -> Tripwire:
    """Return the tripwire of a process with these settings."""
    from integrations.parsers.parser_process import COMMAND

    found = ways(settings)
    # Imports what it needs, before anything is watched.
    opened()
    may_reach_providers("")
    return Tripwire(
        places=found.ambient,
        programs=frozenset({COMMAND}),
        doors=found.providers | found.keys,
        opened=partial(opened, found),
        running=task.get,
        record=tell,
    )


def watch() -> None:
    """Put the tripwire up where the setting says so. Once everything is imported."""
    from django.conf import settings

    if settings.EGRESS_TRIPWIRE:
        # A worker's banner names the platform, for which Python starts `uname` once per process.
        platform.platform()
        arm(tripwire(settings))


def tell(attempt: Attempt) -> None:
    """Say that something was refused: in the log now, and as an alarm, once a day and place."""
    logger.error(
        "egress.refused",
        extra={"resource": attempt.place, "port": attempt.port, "task": attempt.purpose},
    )
    # Of its own: whoever reached out may be inside a transaction, or have lost it.
    threading.Thread(target=_alarm, args=(attempt,), daemon=True).start()


def _alarm(attempt: Attempt) -> None:
    from django.db import connection
    from django.utils import timezone

    from accounts import alarms

    at = timezone.now()
    try:
        alarms.raise_alarm(
            kind=KIND,
            about=UUID(int=0),
            window=f"{attempt.place} {at:%Y-%m-%d}"[:64],
            body={"resource": attempt.place, "port": attempt.port, "task": attempt.purpose},
            at=at,
        )
    except Exception:
        # The line in the log stands.
        logger.exception("egress.not_alarmed")
    finally:
        connection.close()
