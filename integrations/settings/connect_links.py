from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

from django.urls import reverse

from integrations.access.endpoints import admin_consent_url


def get_connect_url(provider: str, product: str, connection_id: UUID | None) -> str:
    """Return the URL of the disclosure page."""
    return _build_url("settings-connect", provider, product, connection_id)


def get_administrator_url(provider: str, product: str, connection_id: UUID | None) -> str | None:
    """Return None if the provider has no admin consent."""
    if not admin_consent_url(provider):
        return None
    return _build_url("settings-administrator", provider, product, connection_id)


def _build_url(route: str, provider: str, product: str, connection_id: UUID | None) -> str:
    parameters = {"product": product} if product != "mail" else {}
    if connection_id is not None:
        # Reconnect the same connection.
        parameters["connection"] = str(connection_id)
    url = reverse(route, args=[provider])
    return f"{url}?{urlencode(parameters)}" if parameters else url
