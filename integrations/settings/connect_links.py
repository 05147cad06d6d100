"""Where a product of a provider is connected, and where an administrator is asked to allow it."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

from django.urls import reverse

from integrations.access.endpoints import admin_consent_url


def connect(provider: str, product: str, connection_id: UUID | None) -> str:
    """Return the address of the page that says what connecting asks for."""
    return _to("settings-connect", provider, product, connection_id)


def administrator(provider: str, product: str, connection_id: UUID | None) -> str | None:
    """Return the address of the page that makes a link for an administrator, if any can agree."""
    if not admin_consent_url(provider):
        return None
    return _to("settings-administrator", provider, product, connection_id)


def _to(page: str, provider: str, product: str, connection_id: UUID | None) -> str:
    asked = {"product": product} if product != "mail" else {}
    if connection_id is not None:
        # Whoever was reconnecting goes on reconnecting.
        asked["connection"] = str(connection_id)
    address = reverse(page, args=[provider])
    return f"{address}?{urlencode(asked)}" if asked else address
