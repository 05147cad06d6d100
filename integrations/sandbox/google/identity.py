"""Who a token speaks of: id_token, userinfo, tokeninfo."""

import hashlib
from typing import Any

from integrations.sandbox.google import problems
from integrations.sandbox.google.scopes import ALIASES
from integrations.sandbox.keys import at_hash
from integrations.sandbox.messages import Answer, Call, json_answer
from integrations.sandbox.people import Client, Person
from integrations.sandbox.world import World

BARE_ISSUER = "accounts.google.com"


def id_token(world: World, person: Person, client: Client, *, nonce: str, access: str) -> str:
    """Signed for this client, with the flaw that the dial asks for."""
    now, flaw = int(world.clock.now()), world.dials.id_token_flaw
    claims: dict[str, Any] = {
        **person.claims,
        "iss": world.issuer,
        "azp": client.client_id,
        "aud": client.client_id,
        "sub": person.sub,
        "email": person.email,
        "email_verified": True,
        "at_hash": at_hash(access),
        "name": person.name,
        "iat": now,
        "exp": now + 3600,
    }
    if nonce:
        claims["nonce"] = nonce
    if person.hosted_domain:
        claims["hd"] = person.hosted_domain
    changes: dict[str, dict[str, Any]] = {
        "iss": {"iss": "https://accounts.example.org"},
        "bare_iss": {"iss": BARE_ISSUER},
        "aud": {"aud": "someone-else.apps.googleusercontent.com"},
        "azp": {"azp": "someone-else.apps.googleusercontent.com"},
        "nonce": {"nonce": "not-the-nonce"},
        "sub": {"sub": Person.sub_of("stranger@example.org")},
        "expired": {"iat": now - 7200, "exp": now - 3600},
        "future_iat": {"iat": now + 86_400, "exp": now + 90_000},
        "at_hash": {"at_hash": at_hash(hashlib.sha256(access.encode()).hexdigest())},
    }
    claims |= changes.get(flaw, {})
    claims.pop({"missing_nonce": "nonce", "missing_sub": "sub"}.get(flaw, ""), None)
    return world.keys.sign(claims, flaw=flaw)


def bearer(call: Call) -> str:
    scheme, _, value = call.headers.get("authorization", "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" else ""


def userinfo(world: World, call: Call) -> Answer:
    access = world.grants.access(bearer(call) or call.first("access_token"))
    person = world.people.find(access.grant.sub) if access else None
    if access is None or person is None:
        raise problems.userinfo_unauthorized()
    body: dict[str, Any] = {**person.claims, "sub": person.sub}
    if ALIASES["email"] in access.scopes:
        body |= {"email": person.email, "email_verified": True}
    if ALIASES["profile"] in access.scopes:
        given, _, family = person.name.partition(" ")
        body |= {"name": person.name, "given_name": given, "family_name": family}
        body["picture"] = f"{world.url}/a/{person.sub}/photo.jpg"
    if person.hosted_domain:
        body["hd"] = person.hosted_domain
    return json_answer(body)


def tokeninfo(world: World, call: Call) -> Answer:
    access = world.grants.access(call.first("access_token") or call.form.get("access_token", ""))
    person = world.people.find(access.grant.sub) if access else None
    if access is None or person is None:
        raise problems.tokeninfo_invalid()
    left = int(access.expires_at - world.clock.now())
    if call.path.startswith("/oauth2/v2/"):
        return json_answer(
            {
                "issued_to": access.client_id,
                "audience": access.client_id,
                "user_id": person.sub,
                "scope": " ".join(access.scopes),
                "expires_in": left,
                "email": person.email,
                "verified_email": True,
                "access_type": "offline" if access.refresh else "online",
            }
        )
    return json_answer(
        {
            "azp": access.client_id,
            "aud": access.client_id,
            "sub": person.sub,
            "scope": " ".join(access.scopes),
            "exp": str(int(access.expires_at)),
            "expires_in": str(left),
            "email": person.email,
            "email_verified": "true",
            "access_type": "offline" if access.refresh else "online",
        }
    )
