"""The token endpoint, revocation, and what a token can be asked about."""

import base64
import secrets
from typing import Any
from urllib.parse import unquote

from integrations.sandbox.google import problems
from integrations.sandbox.google.grants import Access, Code, Grant, Refresh
from integrations.sandbox.google.identity import id_token
from integrations.sandbox.google.scopes import ALIASES
from integrations.sandbox.messages import Answer, Call, json_answer
from integrations.sandbox.people import Client
from integrations.sandbox.world import World

NO_STORE = {"Cache-Control": "no-cache, no-store, max-age=0, must-revalidate", "Pragma": "no-cache"}


def token(world: World, call: Call) -> Answer:
    client = authenticated_client(world, call)
    grant_type = call.form.get("grant_type", "")
    if grant_type == "authorization_code":
        return _exchange(world, call, client)
    if grant_type == "refresh_token":
        return _refresh(world, call, client)
    raise problems.unsupported_grant_type(grant_type)


def authenticated_client(world: World, call: Call) -> Client:
    """
    By form fields or HTTP Basic.

    :raises Problem: unknown client, deleted client or wrong secret
    """
    client_id, secret = call.form.get("client_id", ""), call.form.get("client_secret", "")
    scheme, _, encoded = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            pair = base64.b64decode(encoded, validate=True).decode()
        except ValueError as error:
            raise problems.invalid_client() from error
        client_id, _, secret = (unquote(part) for part in pair.partition(":"))
    if not client_id:
        raise problems.invalid_request("Could not determine client ID from request.")
    client = world.clients.get(client_id)
    if client is None:
        raise problems.invalid_client()
    if client.deleted:
        raise problems.invalid_client("The OAuth client was deleted.")
    if not secrets.compare_digest(secret.encode(), client.secret.encode()):
        raise problems.wrong_client_secret()
    return client


def _exchange(world: World, call: Call, client: Client) -> Answer:
    code = _paid_code(world, call, client)
    person = world.people.find(code.sub)
    if person is None:
        raise problems.invalid_grant("Bad Request")
    known = world.grants.get(client.project, person.sub)
    wants_refresh = code.offline and (known is None or not known.offline or code.consented)
    grant = world.grants.open(client.project, person.sub, code.scopes)
    refresh = None
    if wants_refresh:
        refresh = world.grants.new_refresh(grant, client.client_id, code.scopes)
    access = world.grants.new_access(
        grant, client.client_id, code.scopes, refresh.token if refresh else ""
    )
    world.bought[code.code] = (refresh.token if refresh else "", access.token)
    body = _token_body(world, access, refresh)
    if refresh:
        body["refresh_token"] = refresh.token
    if "openid" in code.scopes:
        body["id_token"] = id_token(world, person, client, nonce=code.nonce, access=access.token)
    return json_answer(body, 200, **NO_STORE)


def _paid_code(world: World, call: Call, client: Client) -> Code:
    """
    The code, used up.

    :raises Problem: unknown, used, expired, or not with this redirect_uri and verifier
    """
    form = call.form
    code = world.grants.codes.get(form.get("code", ""))
    if code is None or code.client_id != client.client_id:
        raise problems.malformed_code()
    if code.used:
        # RFC 6749 §4.1.2: a code shown twice takes what it bought along.
        for token in world.bought.pop(code.code, ()):
            world.grants.drop_refresh(token)
            world.grants.drop_access(token)
        raise problems.invalid_grant("Bad Request")
    if code.expires_at <= world.clock.now():
        raise problems.invalid_grant("Bad Request")
    if form.get("redirect_uri", "") != code.redirect_uri:
        raise problems.redirect_uri_mismatch()
    if code.challenge:
        if not form.get("code_verifier"):
            raise problems.missing_code_verifier()
        if not code.verified_by(form["code_verifier"]):
            raise problems.invalid_code_verifier()
    code.used = True
    return code


def _token_body(world: World, access: Access, refresh: Refresh | None) -> dict[str, Any]:
    body: dict[str, Any] = {
        "access_token": access.token,
        "expires_in": world.dials.access_token_seconds,
        "scope": " ".join(access.scopes),
        "token_type": "Bearer",
    }
    if refresh and refresh.ends_at:
        body["refresh_token_expires_in"] = int(refresh.ends_at - world.clock.now())
    return body


def _refresh(world: World, call: Call, client: Client) -> Answer:
    dials = world.dials
    if dials.refresh_refusal == "invalid_rapt":
        raise problems.invalid_rapt()
    if dials.refresh_refusal == "admin_policy_enforced":
        raise problems.admin_policy_enforced()
    found = world.grants.refresh(call.form.get("refresh_token", ""))
    if found is None or found[1].client_id != client.client_id:
        if dials.invalid_grant_bad_request:
            raise problems.invalid_grant("Bad Request")
        raise problems.invalid_grant()
    grant, refresh = found
    scopes = refresh.scopes
    if asked := call.form.get("scope", "").split():
        # Google may only narrow; a scope that was never granted is an error.
        wanted = tuple(ALIASES.get(scope, scope) for scope in asked)
        if not set(wanted) <= set(scopes):
            raise problems.invalid_scope()
        scopes = wanted
    refresh.used_at = world.clock.now()
    rotated = dials.rotate_refresh_tokens
    if rotated:
        successor = world.grants.new_refresh(grant, client.client_id, refresh.scopes)
        world.grants.drop_refresh(refresh.token)
        refresh = successor
    access = world.grants.new_access(grant, client.client_id, scopes, refresh.token)
    body = _token_body(world, access, refresh)
    if rotated:
        body["refresh_token"] = refresh.token
    return json_answer(body, 200, **NO_STORE)


def revoke(world: World, call: Call) -> Answer:
    value = call.form.get("token") or call.first("token")
    grant: Grant | None = world.grants.find(value) if value else None
    if grant is None:
        raise problems.invalid_token()
    world.grants.revoke(grant)
    return json_answer({})
