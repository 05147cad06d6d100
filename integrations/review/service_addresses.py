"""The addresses of the service, from its settings, with their domains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.utils import parseaddr
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.functional import Promise

from integrations.access import endpoints
from integrations.providers import PROVIDERS

from .messages import guide

#: Paths of public pages. The staff site has no routes of them; a test resolves them.
PUBLIC_PATHS: Final = {
    "home": "/",
    "data-use": "/data-use/",
    "keys": "/keys/",
    "checkpoint": "/ledger/checkpoint",
}


@dataclass(frozen=True, slots=True)
class ServiceAddress:
    """
    :param address: a URL or a mail address
    :param is_page: whether a browser can open it
    """

    title: str | Promise
    address: str
    domain: str
    is_page: bool = False


def get_public_page(name: str) -> str:
    return f"{settings.PUBLIC_URL}{PUBLIC_PATHS[name]}"


def list_service_addresses() -> list[ServiceAddress]:
    return list(_list_addresses())


def list_domains(addresses: Sequence[ServiceAddress]) -> list[str]:
    return sorted({address.domain for address in addresses})


def _list_addresses() -> Iterator[ServiceAddress]:
    yield _make_address(guide.HOME, get_public_page("home"), is_page=True)
    if settings.PRIVACY_NOTICE_URL:
        yield _make_address(guide.PRIVACY_NOTICE, settings.PRIVACY_NOTICE_URL, is_page=True)
    yield _make_address(guide.DATA_USE, get_public_page("data-use"), is_page=True)
    yield _make_address(guide.RECEIPT_KEYS, get_public_page("keys"), is_page=True)
    yield _make_address(guide.LEDGER, get_public_page("checkpoint"), is_page=True)
    yield _make_address(guide.STAFF_SITE, f"{settings.STAFF_URL}/")
    registered = [
        provider
        for provider in PROVIDERS.values()
        if provider.products and endpoints.is_provider_registered(provider.key)
    ]
    for provider in registered:
        yield _make_address(
            guide.REDIRECT % {"provider": provider.label}, endpoints.redirect_uri(provider.key)
        )
    if any(endpoints.admin_consent_url(provider.key) for provider in registered):
        yield _make_address(guide.ADMINISTRATOR_REDIRECT, endpoints.admin_consent_redirect_uri())
    if settings.PUSH.webhook_url:
        yield _make_address(guide.WEBHOOKS, f"{settings.PUSH.webhook_url}/webhooks/")
    _, sender = parseaddr(settings.DEFAULT_FROM_EMAIL)
    yield ServiceAddress(guide.MAIL_SENDER, sender, sender.rpartition("@")[2])


def _make_address(title: str | Promise, address: str, *, is_page: bool = False) -> ServiceAddress:
    return ServiceAddress(title, address, urlsplit(address).hostname or "", is_page)
