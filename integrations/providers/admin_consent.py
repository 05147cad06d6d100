"""
An administrator's consent for an organisation.

The response holds no token and is not signed. Source:
https://learn.microsoft.com/en-us/entra/identity-platform/v2-admin-consent
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final
from urllib.parse import quote, urlencode

from .provider_definition import Provider

# OpenID Connect's scopes take no resource prefix.
_OPENID_SCOPES: Final = frozenset({"openid", "profile", "email", "offline_access"})
# Errors of a refused consent. Any other error is no answer of the administrator.
_DENIED_ERRORS: Final = frozenset({"access_denied", "consent_required"})


def build_admin_consent_url(
    url: str, *, client_id: str, redirect_uri: str, scope: str, state: str
) -> str:
    """
    :param url: the provider's consent page, from settings
    :param scope: the result of `format_scopes`
    """
    query = {
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": scope,
        "state": state,
    }
    # The URL is sent in mails: `%20` survives mail clients better than `+`.
    return f"{url}?{urlencode(query, quote_via=quote)}"


def format_scopes(provider: Provider, scopes: Collection[str]) -> str:
    """Prefix each scope with its resource."""
    return " ".join(
        scope if scope in _OPENID_SCOPES else f"{provider.scope_prefix}{scope}"
        for scope in sorted(scopes)
    )


def parse_admin_consent(parameters: Mapping[str, Sequence[str]]) -> bool | None:
    """Return whether the administrator consented; None if `parameters` are no response."""
    if any(len(values) != 1 for values in parameters.values()):
        return None
    single_values = {name: values[0] for name, values in parameters.items()}
    if error := single_values.get("error"):
        return False if error in _DENIED_ERRORS else None
    return True if single_values.get("admin_consent", "").lower() == "true" else None
