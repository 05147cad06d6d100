"""Where the platform's own mail goes: one address in the environment."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from config.env import Environment

_BACKENDS = "django.core.mail.backends"
# Scheme, whether the connection is encrypted from the first byte, its usual port.
_SERVERS = {"smtp": (False, 587), "smtps": (True, 465)}


def outgoing(env: Environment, *, production: bool, folder: str) -> dict[str, Any]:
    """
    Return Django's settings for mail, from EMAIL_URL.

    ``smtps://user:password@host:465`` (TLS), ``smtp://user:password@host:587`` (STARTTLS, always);
    in development also ``file:///folder`` and ``console:``. Unset: files in development, and in
    production no mail is sent, which the deployment check says.

    :param folder: where files go if nothing else is said
    """
    url = env.text("EMAIL_URL")
    parts = urlsplit(url)
    settings: dict[str, Any] = {
        "EMAIL_BACKEND": f"{_BACKENDS}.dummy.EmailBackend",
        "EMAIL_FILE_PATH": env.text("EMAIL_DIR", folder),
        "EMAIL_HOST": "",
        "EMAIL_PORT": 0,
        "EMAIL_HOST_USER": "",
        "EMAIL_HOST_PASSWORD": "",
        "EMAIL_USE_TLS": False,
        "EMAIL_USE_SSL": False,
        "MAIL_IS_SENT": bool(url) or not production,
    }
    if parts.scheme in _SERVERS and parts.hostname:
        is_encrypted, port = _SERVERS[parts.scheme]
        return {
            **settings,
            "EMAIL_BACKEND": f"{_BACKENDS}.smtp.EmailBackend",
            "EMAIL_HOST": parts.hostname,
            "EMAIL_PORT": parts.port or port,
            "EMAIL_HOST_USER": unquote(parts.username or ""),
            "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
            "EMAIL_USE_TLS": not is_encrypted,
            "EMAIL_USE_SSL": is_encrypted,
        }
    if not url and production:
        return settings
    if not production and (not url or (parts.scheme == "file" and parts.path)):
        where = parts.path or settings["EMAIL_FILE_PATH"]
        backend = f"{_BACKENDS}.filebased.EmailBackend"
        return {**settings, "EMAIL_BACKEND": backend, "EMAIL_FILE_PATH": where}
    if not production and parts.scheme == "console":
        return {**settings, "EMAIL_BACKEND": f"{_BACKENDS}.console.EmailBackend"}
    env.problem("EMAIL_URL must be smtps:// or smtp:// and name a host")
    return settings
