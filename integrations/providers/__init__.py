"""Providers, behind small protocols. Pure: no Django, no tables, no policy."""

from __future__ import annotations

from .google import discovery
from .google.config import GOOGLE
from .local.config import OFFLINE
from .microsoft import graph_sdk
from .microsoft.config import MICROSOFT
from .provider import Provider

PROVIDERS: dict[str, Provider] = {one.key: one for one in (GOOGLE, MICROSOFT, OFFLINE)}


def load_libraries() -> None:
    """
    Import the client libraries of Google and Microsoft, which are otherwise imported at first use.

    :raises ImportError: if one is missing or broken
    """
    discovery.load()
    graph_sdk.load()


def granting(key: str) -> Provider | None:
    """Return the provider of that name that something can be connected at."""
    found = PROVIDERS.get(key)
    return found if found is not None and found.grants else None
