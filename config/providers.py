"""
Where the providers are, and that production talks to no one else.

The addresses are settings so that sandbox, emulator and the real thing are one setting apart.
In production an address outside `BUILT_IN_HOSTS` stops the start: whoever can change one
environment variable must not be able to send users' grants elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from config.env import Environment

GOOGLE_URLS: Final = {
    "GOOGLE_AUTHORIZE_URL": "https://accounts.google.com/o/oauth2/v2/auth",
    "GOOGLE_TOKEN_URL": "https://oauth2.googleapis.com/token",
    "GOOGLE_REVOKE_URL": "https://oauth2.googleapis.com/revoke",
    "GOOGLE_CERTS_URL": "https://www.googleapis.com/oauth2/v3/certs",
    "GOOGLE_ISSUER": "https://accounts.google.com",
    "GOOGLE_USERINFO_URL": "https://openidconnect.googleapis.com/v1/userinfo",
    # Empty: each product's own root, as its discovery document has it.
    "GOOGLE_API_ROOT_URL": "",
}

MICROSOFT_URLS: Final = {
    # What stands before `/{tenant}/oauth2/v2.0/…`, and before `/v1.0/me`.
    "MICROSOFT_AUTHORITY_URL": "https://login.microsoftonline.com",
    "MICROSOFT_GRAPH_URL": "https://graph.microsoft.com",
}

_TENANT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.\-]{0,99}", re.ASCII)

BUILT_IN_HOSTS: Final = frozenset(
    {
        "accounts.google.com",
        "gmail.googleapis.com",
        "graph.microsoft.com",
        "login.microsoftonline.com",
        "oauth2.googleapis.com",
        "openidconnect.googleapis.com",
        "www.googleapis.com",
    }
)


def is_built_in(url: str) -> bool:
    """Return whether `url` is https, on a built-in host, on the usual port, without user."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    return (
        parts.scheme == "https"
        and parts.hostname in BUILT_IN_HOSTS
        and port in {None, 443}
        and parts.username is None
    )


def google_urls(env: Environment, *, production: bool) -> dict[str, str]:
    """Return every Google address by setting name; in production only built-in ones pass."""
    return _urls(env, GOOGLE_URLS, production=production)


def microsoft_urls(env: Environment, *, production: bool) -> dict[str, str]:
    """Return Entra's and Graph's addresses, without a slash at the end; the same holds."""
    urls = _urls(env, MICROSOFT_URLS, production=production)
    return {name: url.rstrip("/") for name, url in urls.items()}


def microsoft_endpoints(env: Environment, urls: Mapping[str, str]) -> dict[str, str]:
    """
    Return where to sign in at Entra and what to call, by setting name.

    Whose accounts may be connected is `MICROSOFT_TENANT`: anybody's (`common`), a company's or a
    school's (`organizations`), private ones (`consumers`), or those of one tenant.
    https://learn.microsoft.com/en-us/entra/identity-platform/v2-protocols
    """
    tenant = env.text("MICROSOFT_TENANT", "common")
    if not _TENANT.fullmatch(tenant):
        env.problem("MICROSOFT_TENANT must be common, organizations, consumers, a domain or an id")
    authority, graph = urls["MICROSOFT_AUTHORITY_URL"], urls["MICROSOFT_GRAPH_URL"]
    # An administrator is a company's: of anybody's account, whoever follows the link shows which.
    administered = {"common": "organizations", "consumers": ""}.get(tenant, tenant)
    return {
        "AUTHORIZE_URL": f"{authority}/{tenant}/oauth2/v2.0/authorize",
        "TOKEN_URL": f"{authority}/{tenant}/oauth2/v2.0/token",
        "ADMIN_CONSENT_URL": f"{authority}/{administered}/v2.0/adminconsent"
        if administered
        else "",
        # There is none.
        "REVOKE_URL": "",
        "CERTS_URL": f"{authority}/{tenant}/discovery/v2.0/keys",
        "USERINFO_URL": f"{graph}/oidc/userinfo",
        "API_ROOT_URL": f"{graph}/v1.0",
        # Of each tenant its own: what the id_token says of the tenant stands in it.
        "ISSUER": f"{authority}/{{tenantid}}/v2.0",
    }


def _urls(env: Environment, known: Mapping[str, str], *, production: bool) -> dict[str, str]:
    urls = {name: env.text(name, default) for name, default in known.items()}
    for name, url in urls.items():
        if production and url and not is_built_in(url):
            env.problem(f"{name} is not one of the built-in https hosts; production uses no other")
    return urls
