"""The settings of the service on this machine, with the sandbox as its provider."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path

from config.embedded import sandbox_seed
from config.embedded.embedded_servers import ServerUrls


def build_environment(
    data_dir: Path,
    urls: ServerUrls,
    *,
    url: str,
    sandbox_url: str,
    base_environment: Mapping[str, str],
) -> dict[str, str]:
    """Return the environment of a development service with the sandbox as its provider."""
    own_settings = {
        **build_shared_settings(data_dir),
        "PUBLIC_URL": url,
        "SANDBOX_URL": sandbox_url,
        "GOOGLE_CLIENT_ID": sandbox_seed.CLIENT_ID,
        "GOOGLE_CLIENT_SECRET": _read_or_create_secret(data_dir / "google_client_secret"),
        "GOOGLE_AUTHORIZE_URL": f"{sandbox_url}/o/oauth2/v2/auth",
        "GOOGLE_TOKEN_URL": f"{sandbox_url}/token",
        "GOOGLE_REVOKE_URL": f"{sandbox_url}/revoke",
        "GOOGLE_CERTS_URL": f"{sandbox_url}/oauth2/v3/certs",
        "GOOGLE_USERINFO_URL": f"{sandbox_url}/v1/userinfo",
        "GOOGLE_ISSUER": sandbox_url,
        "GOOGLE_API_ROOT_URL": f"{sandbox_url}/",
        "MICROSOFT_CLIENT_ID": sandbox_seed.MICROSOFT_CLIENT_ID,
        "MICROSOFT_CLIENT_SECRET": _read_or_create_secret(data_dir / "microsoft_client_secret"),
        "MICROSOFT_AUTHORITY_URL": sandbox_url,
        "MICROSOFT_GRAPH_URL": sandbox_url,
        "GOOGLE_PUBSUB_TOPIC": sandbox_seed.TOPIC,
        "GOOGLE_PUSH_ACCOUNT": sandbox_seed.PUSH_ACCOUNT,
        # The sandbox also calls http URLs.
        "GOOGLE_CALENDAR_CHANNELS": "on",
        "MICROSOFT_SUBSCRIPTIONS": "on",
        # Without .pyc files, every process would compile all modules.
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONUNBUFFERED": "1",
        "EGRESS_TRIPWIRE": "on",
        "WEB_THREADS": "4",
    }
    return {**base_environment, **own_settings, **urls.to_environment()}


def build_shared_settings(data_dir: Path) -> dict[str, str]:
    return {
        "ANTARES_ENV": "development",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SECRET_KEY": _read_or_create_secret(data_dir / "secret_key"),
        "KEYRING_DIR": str(data_dir / "keyring"),
        "EMAIL_DIR": str(data_dir / "mail"),
    }


def _read_or_create_secret(path: Path) -> str:
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(64), encoding="ascii")
    return path.read_text(encoding="ascii")


def build_demo_site_settings(data_dir: Path, static_folder: Path) -> dict[str, str]:
    """Return the settings of web processes with the demo's pages (`demo_settings`)."""
    return {
        "DJANGO_SETTINGS_MODULE": "config.embedded.demo_settings",
        "DEMO_FOLDER": str(data_dir.resolve()),
        "DEMO_STATIC_ROOT": str(static_folder),
    }
