"""id_token, userinfo, tokeninfo."""

import hashlib
from typing import Any

from integrations.sandbox.accounts import OAuthClient, SandboxAccount
from integrations.sandbox.google import oauth_problems
from integrations.sandbox.google.scopes import ALIASES
from integrations.sandbox.http_messages import HttpAnswer, HttpCall, make_json_answer
from integrations.sandbox.keys import get_at_hash
from integrations.sandbox.state import SandboxState

BARE_ISSUER = "accounts.google.com"


def make_id_token(
    state: SandboxState, account: SandboxAccount, client: OAuthClient, *, nonce: str, access: str
) -> str:
    """Return a signed token, with the flaw set by the knob."""
    now, flaw = int(state.clock.now()), state.knobs.id_token_flaw
    claims: dict[str, Any] = {
        **account.claims,
        "iss": state.issuer,
        "azp": client.client_id,
        "aud": client.client_id,
        "sub": account.sub,
        "email": account.email,
        "email_verified": True,
        "at_hash": get_at_hash(access),
        "name": account.name,
        "iat": now,
        "exp": now + 3600,
    }
    if nonce:
        claims["nonce"] = nonce
    if account.hosted_domain:
        claims["hd"] = account.hosted_domain
    changes: dict[str, dict[str, Any]] = {
        "iss": {"iss": "https://accounts.example.org"},
        "bare_iss": {"iss": BARE_ISSUER},
        "aud": {"aud": "someone-else.apps.googleusercontent.com"},
        "azp": {"azp": "someone-else.apps.googleusercontent.com"},
        "nonce": {"nonce": "not-the-nonce"},
        "sub": {"sub": SandboxAccount.make_sub("stranger@example.org")},
        "expired": {"iat": now - 7200, "exp": now - 3600},
        "future_iat": {"iat": now + 86_400, "exp": now + 90_000},
        "at_hash": {"at_hash": get_at_hash(hashlib.sha256(access.encode()).hexdigest())},
    }
    claims |= changes.get(flaw, {})
    claims.pop({"missing_nonce": "nonce", "missing_sub": "sub"}.get(flaw, ""), None)
    return state.keys.sign_claims(claims, flaw=flaw)


def get_bearer_token(call: HttpCall) -> str:
    scheme, _, value = call.headers.get("authorization", "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" else ""


def show_userinfo(state: SandboxState, call: HttpCall) -> HttpAnswer:
    access = state.grants.find_access_token(
        get_bearer_token(call) or call.get_param("access_token")
    )
    account = state.accounts.find(access.grant.sub) if access else None
    if access is None or account is None:
        raise oauth_problems.userinfo_unauthorized()
    body: dict[str, Any] = {**account.claims, "sub": account.sub}
    if ALIASES["email"] in access.scopes:
        body |= {"email": account.email, "email_verified": True}
    if ALIASES["profile"] in access.scopes:
        given_name, _, family_name = account.name.partition(" ")
        body |= {"name": account.name, "given_name": given_name, "family_name": family_name}
        body["picture"] = f"{state.url}/a/{account.sub}/photo.jpg"
    if account.hosted_domain:
        body["hd"] = account.hosted_domain
    return make_json_answer(body)


def show_tokeninfo(state: SandboxState, call: HttpCall) -> HttpAnswer:
    access = state.grants.find_access_token(
        call.get_param("access_token") or call.form.get("access_token", "")
    )
    account = state.accounts.find(access.grant.sub) if access else None
    if access is None or account is None:
        raise oauth_problems.tokeninfo_invalid()
    seconds_left = int(access.expires_at - state.clock.now())
    if call.path.startswith("/oauth2/v2/"):
        return make_json_answer(
            {
                "issued_to": access.client_id,
                "audience": access.client_id,
                "user_id": account.sub,
                "scope": " ".join(access.scopes),
                "expires_in": seconds_left,
                "email": account.email,
                "verified_email": True,
                "access_type": "offline" if access.refresh_token else "online",
            }
        )
    return make_json_answer(
        {
            "azp": access.client_id,
            "aud": access.client_id,
            "sub": account.sub,
            "scope": " ".join(access.scopes),
            "exp": str(int(access.expires_at)),
            "expires_in": str(seconds_left),
            "email": account.email,
            "email_verified": "true",
            "access_type": "offline" if access.refresh_token else "online",
        }
    )
