"""Providers behind protocols. Pure: no Django, tables or policy."""

from __future__ import annotations

from .google import discovery
from .google.google_config import GOOGLE
from .local.config import LOCAL
from .microsoft import graph_sdk
from .microsoft.microsoft_config import MICROSOFT
from .provider_definition import Provider

PROVIDERS: dict[str, Provider] = {provider.key: provider for provider in (GOOGLE, MICROSOFT, LOCAL)}


def load_libraries() -> None:
    """
    Import the client libraries, which otherwise load on first use.

    :raises ImportError: if one is missing or broken
    """
    discovery.load_library()
    graph_sdk.load_library()


def get_connectable_provider(key: str) -> Provider | None:
    provider = PROVIDERS.get(key)
    return provider if provider is not None and provider.grants else None
