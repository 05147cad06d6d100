"""Who a token speaks of: id_token and userinfo."""

import hashlib
import secrets
from typing import Any

from integrations.sandbox.messages import Answer, Call, json_answer
from integrations.sandbox.microsoft.accounts import Account, oid_of, tid_of
from integrations.sandbox.microsoft.graph import problems
from integrations.sandbox.people import Client
from integrations.sandbox.world import World

ELSEWHERE = "https://login.example.org"


def bearer(call: Call) -> str:
    scheme, _, value = call.headers.get("authorization", "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" else ""


def subject(account: Account, client_id: str) -> str:
    """`sub` is another one in every app."""
    digest = hashlib.sha256(f"{account.oid} {client_id}".encode()).hexdigest()
    return f"AAAA{digest[:39]}"


def id_token(
    world: World, account: Account, client: Client, *, nonce: str, scopes: set[str]
) -> str:
    """Version 2.0, with the flaw that the dial `id_token_flaw` asks for."""
    now, flaw = int(world.clock.now()), world.dials.id_token_flaw
    claims: dict[str, Any] = {
        "ver": "2.0",
        "iss": f"{world.authority}/{account.tid}/v2.0",
        "sub": subject(account, client.client_id),
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
    stranger = tid_of("stranger.example")
    changes: dict[str, dict[str, Any]] = {
        "iss": {"iss": f"{ELSEWHERE}/{account.tid}/v2.0"},
        # Signed by Microsoft for another tenant than the one it names.
        "tid": {"tid": stranger},
        "template": {"iss": f"{world.authority}/{{tenantid}}/v2.0"},
        "bad_tid": {"tid": "../common", "iss": f"{world.authority}/../common/v2.0"},
        "aud": {"aud": "00000000-1111-2222-3333-444444444444"},
        "nonce": {"nonce": "not-the-nonce"},
        "sub": {"sub": subject(account, "another")},
        "oid": {"oid": oid_of("stranger@stranger.example")},
        "version": {"ver": "1.0"},
        "expired": {"iat": now - 7200, "nbf": now - 7200, "exp": now - 3600},
        "future_iat": {"iat": now + 86_400, "nbf": now + 86_400, "exp": now + 90_000},
    }
    claims |= changes.get(flaw, {})
    claims.pop(flaw.removeprefix("missing_") if flaw.startswith("missing_") else "", None)
    return world.microsoft.keys.sign(claims, flaw=flaw)


def userinfo(world: World, call: Call) -> Answer:
    access = world.microsoft.grants.access(bearer(call))
    account = world.microsoft.account(bearer(call))
    if access is None or account is None:
        raise problems.invalid_token()
    given, _, family = account.name.partition(" ")
    shown = {
        "sub": subject(account, access.client_id),
        "name": account.name,
        "given_name": given,
        "family_name": family,
        "email": account.email,
        "picture": f"{world.url}/v1.0/me/photo/$value",
    }
    return json_answer(shown)
