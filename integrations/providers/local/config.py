"""Antares calendars: no scopes, grants or adapters."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from integrations.providers.provider_definition import Provider

LOCAL: Final = Provider(
    key="offline",
    label="Antares",
    issuer="",
    authorize_params=MappingProxyType({}),
    identity_permissions=(),
    scope_aliases=MappingProxyType({}),
    capabilities=MappingProxyType({}),
    revocation_pages=(),
    grants=False,
)
