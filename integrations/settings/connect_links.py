"""Links of the pages that connect an account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode
from uuid import UUID

from django.conf import settings
from django.urls import reverse

from integrations.access.endpoints import admin_consent_url, get_provider_endpoints

from .messages import administrator

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


def get_connect_url(provider: str, product: str, connection_id: UUID | None) -> str:
    """Return the URL of the disclosure page."""
    return _build_url("settings-connect", provider, product, connection_id)


def get_administrator_url(provider: str, product: str, connection_id: UUID | None) -> str | None:
    """Return None if the provider has no admin consent."""
    if not admin_consent_url(provider):
        return None
    return _build_url("settings-administrator", provider, product, connection_id)


def get_administrator_email(link: str, *, product: str, days: int) -> str:
    """Return the `mailto:` URL of a mail with an administrator's link."""
    values = {"product": product, "link": link, "days": days}
    return _build_email(administrator.EMAIL_WITH_LINK, values)


def get_app_request_email(provider: str, *, product: str) -> str:
    """Return the `mailto:` URL of a request to allow the app, for providers without such a link."""
    values = {"product": product, "client_id": get_provider_endpoints(provider).client_id}
    return _build_email(administrator.EMAIL_WITHOUT_LINK, values)


def _build_email(body: StrOrPromise, values: Mapping[str, object]) -> str:
    data_use_url = f"{settings.PUBLIC_URL}{reverse('data-use')}"
    text = str(body) % {**values, "data_use_url": data_use_url}
    return f"mailto:?subject={quote(str(administrator.EMAIL_SUBJECT))}&body={quote(text)}"


def _build_url(route: str, provider: str, product: str, connection_id: UUID | None) -> str:
    parameters = {"product": product} if product != "mail" else {}
    if connection_id is not None:
        # Reconnect the same connection.
        parameters["connection"] = str(connection_id)
    url = reverse(route, args=[provider])
    return f"{url}?{urlencode(parameters)}" if parameters else url
