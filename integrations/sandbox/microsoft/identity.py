"""id_token and userinfo."""

import hashlib
import secrets
from typing import Any

from integrations.sandbox.accounts import OAuthClient
from integrations.sandbox.http_messages import HttpAnswer, HttpCall, make_json_answer
from integrations.sandbox.microsoft.accounts import MicrosoftAccount, make_oid, make_tid
from integrations.sandbox.microsoft.graph import problems
from integrations.sandbox.state import SandboxState

FOREIGN_ISSUER = "https://login.example.org"


def get_bearer_token(call: HttpCall) -> str:
    scheme, _, value = call.headers.get("authorization", "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" else ""


def make_subject(account: MicrosoftAccount, client_id: str) -> str:
    """Differs per app."""
    digest = hashlib.sha256(f"{account.oid} {client_id}".encode()).hexdigest()
    return f"AAAA{digest[:39]}"


def make_id_token(
    state: SandboxState,
    account: MicrosoftAccount,
    client: OAuthClient,
    *,
    nonce: str,
    scopes: set[str],
) -> str:
    """Return a signed token, with the flaw set by the knob."""
    now, flaw = int(state.clock.now()), state.knobs.id_token_flaw
    claims: dict[str, Any] = {
        "ver": "2.0",
        "iss": f"{state.authority}/{account.tid}/v2.0",
        "sub": make_subject(account, client.client_id),
        "aud": client.client_id,
        "iat": now,
        "nbf": now,
        "exp": now + 3600,
        "tid": account.tid,
        "uti": secrets.token_urlsafe(16),
    }
    if "profile" in scopes:
        claims |= {"oid": account.oid, "name": account.name, "preferred_username": account.email}
    if "email" in scopes:
        claims["email"] = account.email
    claims |= account.claims
    if nonce:
        claims["nonce"] = nonce
    stranger = make_tid("stranger.example")
    changes: dict[str, dict[str, Any]] = {
        "iss": {"iss": f"{FOREIGN_ISSUER}/{account.tid}/v2.0"},
        # Signed for another tenant than the named one.
        "tid": {"tid": stranger},
        "template": {"iss": f"{state.authority}/{{tenantid}}/v2.0"},
        "bad_tid": {"tid": "../common", "iss": f"{state.authority}/../common/v2.0"},
        "aud": {"aud": "00000000-1111-2222-3333-444444444444"},
        "nonce": {"nonce": "not-the-nonce"},
        "sub": {"sub": make_subject(account, "another")},
        "oid": {"oid": make_oid("stranger@stranger.example")},
        "version": {"ver": "1.0"},
        "expired": {"iat": now - 7200, "nbf": now - 7200, "exp": now - 3600},
        "future_iat": {"iat": now + 86_400, "nbf": now + 86_400, "exp": now + 90_000},
    }
    claims |= changes.get(flaw, {})
    claims.pop(flaw.removeprefix("missing_") if flaw.startswith("missing_") else "", None)
    return state.microsoft.keys.sign_claims(claims, flaw=flaw)


def show_userinfo(state: SandboxState, call: HttpCall) -> HttpAnswer:
    access = state.microsoft.grants.find_access_token(get_bearer_token(call))
    account = state.microsoft.find_account_by_token(get_bearer_token(call))
    if access is None or account is None:
        raise problems.invalid_token()
    given_name, _, family_name = account.name.partition(" ")
    claims = {
        "sub": make_subject(account, access.client_id),
        "name": account.name,
        "given_name": given_name,
        "family_name": family_name,
        "email": account.email,
        "picture": f"{state.url}/v1.0/me/photo/$value",
    }
    return make_json_answer(claims)
