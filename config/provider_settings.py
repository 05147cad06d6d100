"""
Settings of the providers: their addresses and our registrations.

The addresses are settings for sandbox and emulators. Production accepts `BUILT_IN_HOSTS` only: a
changed variable must not send users' grants to another host.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import urlsplit

from config.environment import Environment

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

_GRAPH_URL: Final = "https://graph.microsoft.com"
# Graph names one of these for the pieces of a large attachment; `attachment_uploads` compares.
OUTLOOK_UPLOAD_URLS: Final = (
    "https://outlook.live.com",
    "https://outlook.office.com",
    "https://outlook.office365.com",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """
    Addresses of a provider, and our registration.

    :param revoke_url: empty if the provider has none
    :param admin_consent_url: page for an administrator's consent for an organisation; empty: none
    :param api_root_url: empty: default of the client library
    :param issuer_required: whether a callback must name its issuer (RFC 9207)
    :param upload_urls: further addresses that responses of the API may name
    :param client_id: empty: the provider is not offered
    """

    authorize_url: str
    token_url: str
    revoke_url: str
    certs_url: str
    userinfo_url: str
    api_root_url: str
    issuer: str
    issuer_required: bool
    client_id: str
    client_secret: str = field(repr=False)
    admin_consent_url: str = ""
    upload_urls: tuple[str, ...] = ()

    def list_urls(self) -> list[str]:
        """Return every address that this service or a browser calls; some may be empty."""
        return [
            self.authorize_url,
            self.token_url,
            self.revoke_url,
            self.certs_url,
            self.userinfo_url,
            self.api_root_url,
            *self.upload_urls,
        ]


def is_built_in_url(url: str) -> bool:
    """Return whether `url` is https on a built-in host, on the usual port, without a user."""
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


def read_google(env: Environment, *, production: bool) -> ProviderSettings:
    """Read Google's addresses and our registration. Production accepts built-in hosts only."""

    def read_url(name: str, default: str) -> str:
        return _read_url(env, name, default, production=production)

    client_id, client_secret = _read_google_client(env, production=production)
    return ProviderSettings(
        authorize_url=read_url(
            "GOOGLE_AUTHORIZE_URL", "https://accounts.google.com/o/oauth2/v2/auth"
        ),
        token_url=read_url("GOOGLE_TOKEN_URL", "https://oauth2.googleapis.com/token"),
        revoke_url=read_url("GOOGLE_REVOKE_URL", "https://oauth2.googleapis.com/revoke"),
        certs_url=read_url("GOOGLE_CERTS_URL", "https://www.googleapis.com/oauth2/v3/certs"),
        issuer=read_url("GOOGLE_ISSUER", "https://accounts.google.com"),
        userinfo_url=read_url(
            "GOOGLE_USERINFO_URL", "https://openidconnect.googleapis.com/v1/userinfo"
        ),
        # Empty: the root of each product's discovery document.
        api_root_url=read_url("GOOGLE_API_ROOT_URL", ""),
        # Google's callbacks name the issuer (RFC 9207).
        issuer_required=env.read_flag("GOOGLE_ISSUER_REQUIRED", default=True),
        client_id=client_id,
        client_secret=client_secret,
    )


def _read_google_client(env: Environment, *, production: bool) -> tuple[str, str]:
    if production:
        return (
            env.read_required("GOOGLE_CLIENT_ID", "from Google's console"),
            env.read_required("GOOGLE_CLIENT_SECRET", "from Google's console"),
        )
    return (
        env.read_text("GOOGLE_CLIENT_ID", "sandbox-client.apps.example"),
        env.read_text("GOOGLE_CLIENT_SECRET", "sandbox-secret"),
    )


def read_microsoft(env: Environment, *, production: bool) -> ProviderSettings:
    """
    Read the addresses of Entra and Graph, and our registration, which may be empty.

    `MICROSOFT_TENANT` limits the accounts: any (`common`), work and school (`organizations`),
    personal (`consumers`), or one tenant.
    https://learn.microsoft.com/en-us/entra/identity-platform/v2-protocols
    """
    # Prefix of Entra's addresses, before `/{tenant}/oauth2/v2.0/…`.
    authority = _read_url(
        env, "MICROSOFT_AUTHORITY_URL", "https://login.microsoftonline.com", production=production
    ).rstrip("/")
    graph = _read_url(env, "MICROSOFT_GRAPH_URL", _GRAPH_URL, production=production).rstrip("/")
    tenant = env.read_text("MICROSOFT_TENANT", "common")
    if not _TENANT.fullmatch(tenant):
        env.add_problem(
            "MICROSOFT_TENANT must be common, organizations, consumers, a domain or an id"
        )
    # Microsoft documents no issuer in callbacks. If a callback names one, it must be right.
    issuer_required = env.read_flag("MICROSOFT_ISSUER_REQUIRED")
    client_id, client_secret = (
        env.read_text("MICROSOFT_CLIENT_ID"),
        env.read_text("MICROSOFT_CLIENT_SECRET"),
    )
    if bool(client_id) != bool(client_secret):
        env.add_problem("MICROSOFT_CLIENT_ID and MICROSOFT_CLIENT_SECRET must be set together")
    return replace(
        build_microsoft_endpoints(authority, graph, tenant),
        issuer_required=issuer_required,
        client_id=client_id,
        client_secret=client_secret,
    )


def build_microsoft_endpoints(authority: str, graph: str, tenant: str) -> ProviderSettings:
    """Return the addresses for `tenant`, without a registration."""
    # Only organisations have administrators. Entra finds an administrator's organisation.
    administered = {"common": "organizations", "consumers": ""}.get(tenant, tenant)
    return ProviderSettings(
        authorize_url=f"{authority}/{tenant}/oauth2/v2.0/authorize",
        token_url=f"{authority}/{tenant}/oauth2/v2.0/token",
        admin_consent_url=f"{authority}/{administered}/v2.0/adminconsent" if administered else "",
        # Microsoft has no revocation endpoint.
        revoke_url="",
        certs_url=f"{authority}/{tenant}/discovery/v2.0/keys",
        userinfo_url=f"{graph}/oidc/userinfo",
        api_root_url=f"{graph}/v1.0",
        # Sandboxes upload to their own address.
        upload_urls=OUTLOOK_UPLOAD_URLS if graph == _GRAPH_URL else (),
        # Each tenant has its own issuer: the id_token's `tid` replaces `{tenantid}`.
        issuer=f"{authority}/{{tenantid}}/v2.0",
        issuer_required=False,
        client_id="",
        client_secret="",
    )


def _read_url(env: Environment, name: str, default: str, *, production: bool) -> str:
    url = env.read_text(name, default)
    if production and url and not is_built_in_url(url):
        env.add_problem(f"{name} is not one of the provider's hosts; production accepts no other")
    return url
