"""Settings of the platform's own mail, from EMAIL_URL."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from urllib.parse import unquote, urlsplit

from config.environment import Environment

_BACKENDS = "django.core.mail.backends"
# Scheme: whether the connection starts with TLS, and its usual port.
_SERVERS = {"smtp": (False, 587), "smtps": (True, 465)}


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSettings:
    """
    Django's settings of outgoing mail.

    :param is_sent: whether mail leaves this process
    :param folder: target of the file backend
    """

    is_sent: bool
    backend: str
    folder: str
    host: str = ""
    port: int = 0
    user: str = ""
    password: str = field(default="", repr=False)
    use_starttls: bool = False
    use_tls: bool = False


def read_mail_settings(env: Environment, *, production: bool, folder: str) -> MailSettings:
    """
    Read EMAIL_URL.

    ``smtps://user:password@host:465`` (TLS), ``smtp://user:password@host:587`` (STARTTLS,
    always); in development also ``file:///folder`` and ``console:``. Without it, development
    writes files, and production sends no mail, which the deployment check reports.

    :param folder: the default of EMAIL_DIR
    """
    url = env.read_text("EMAIL_URL")
    parts = urlsplit(url)
    dummy_settings = MailSettings(
        is_sent=bool(url) or not production,
        backend=f"{_BACKENDS}.dummy.EmailBackend",
        folder=env.read_text("EMAIL_DIR", folder),
    )
    if parts.scheme in _SERVERS and parts.hostname:
        use_tls, port = _SERVERS[parts.scheme]
        return replace(
            dummy_settings,
            backend=f"{_BACKENDS}.smtp.EmailBackend",
            host=parts.hostname,
            port=parts.port or port,
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            use_starttls=not use_tls,
            use_tls=use_tls,
        )
    if not url and production:
        return dummy_settings
    if not production and (not url or (parts.scheme == "file" and parts.path)):
        backend = f"{_BACKENDS}.filebased.EmailBackend"
        return replace(dummy_settings, backend=backend, folder=parts.path or dummy_settings.folder)
    if not production and parts.scheme == "console":
        return replace(dummy_settings, backend=f"{_BACKENDS}.console.EmailBackend")
    env.add_problem("EMAIL_URL must be smtps:// or smtp:// and name a host")
    return dummy_settings
