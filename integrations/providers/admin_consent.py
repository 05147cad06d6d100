"""
An administrator's consent for a whole organisation: where they are asked, and what they said.

As Microsoft has it, https://learn.microsoft.com/en-us/entra/identity-platform/v2-admin-consent.
No token comes of it, and nothing of the answer is signed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final
from urllib.parse import quote, urlencode

from .provider import Provider

# Of OpenID Connect, and no resource's: they have no address in front of them.
_OPENID_SCOPES: Final = frozenset({"openid", "profile", "email", "offline_access"})
# Why they came back without having allowed it; any other error is not their answer.
_DENIED_ERRORS: Final = frozenset({"access_denied", "consent_required"})


def build_admin_consent_url(
    url: str, *, client_id: str, redirect_uri: str, scope: str, state: str
) -> str:
    """
    Return the address of the page on which an administrator agrees for everybody.

    :param url: the provider's, from settings
    :param scope: what is asked for, as `named` writes it
    """
    query = {
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": scope,
        "state": state,
    }
    # It is sent around in mail: no plus sign that somebody takes for itself.
    return f"{url}?{urlencode(query, quote_via=quote)}"


def format_scopes(provider: Provider, scopes: Collection[str]) -> str:
    """Return `scopes` as they are asked for there: with their resource in front of them."""
    return " ".join(
        scope if scope in _OPENID_SCOPES else f"{provider.scope_prefix}{scope}"
        for scope in sorted(scopes)
    )


def parse_admin_consent(parameters: Mapping[str, Sequence[str]]) -> bool | None:
    """Return whether they allowed it, by each parameter's values; None: that is no answer."""
    if any(len(values) != 1 for values in parameters.values()):
        return None
    single_values = {name: values[0] for name, values in parameters.items()}
    if error := single_values.get("error"):
        return False if error in _DENIED_ERRORS else None
    return True if single_values.get("admin_consent", "").lower() == "true" else None
