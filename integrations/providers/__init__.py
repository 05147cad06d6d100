"""Providers, behind small protocols. Pure: no Django, no tables, no policy."""

from __future__ import annotations

from .google.spec import GOOGLE
from .microsoft.spec import MICROSOFT
from .offline.spec import OFFLINE
from .provider import Provider

PROVIDERS: dict[str, Provider] = {one.key: one for one in (GOOGLE, MICROSOFT, OFFLINE)}


def granting(key: str) -> Provider | None:
    """Return the provider of that name that something can be connected at."""
    found = PROVIDERS.get(key)
    return found if found is not None and found.grants else None
