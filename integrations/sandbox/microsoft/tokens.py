"""The token endpoint. Refresh tokens rotate softly: a new one each time, and the old one lives."""

import base64
import secrets
from typing import Any
from urllib.parse import unquote

import orjson

from integrations.sandbox.messages import Answer, Call, json_answer
from integrations.sandbox.microsoft import problems
from integrations.sandbox.microsoft import scopes as names
from integrations.sandbox.microsoft.accounts import Account
from integrations.sandbox.microsoft.grants import Code
from integrations.sandbox.microsoft.identity import id_token
from integrations.sandbox.microsoft.metadata import tenant_of
from integrations.sandbox.people import Client
from integrations.sandbox.world import World

NO_STORE = {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache"}


def token(world: World, call: Call, path: str) -> Answer:
    tenant_of(world, path)
    if number := int(world.dials.graph_token_code):
        raise problems.aadsts(number, world.clock.now())
    client = _client(world, call)
    grant_type = call.form.get("grant_type", "")
    if grant_type == "authorization_code":
        return _exchange(world, call, client, path)
    if grant_type == "refresh_token":
        return _refresh(world, call, client, path)
    raise problems.aadsts(70003 if grant_type else 90014, world.clock.now())


def _client(world: World, call: Call) -> Client:
    """
    By form fields or HTTP Basic.

    :raises Problem: unknown, without a secret, with a wrong one, or with one that has expired
    """
    now = world.clock.now()
    client_id, secret = call.form.get("client_id", ""), call.form.get("client_secret", "")
    scheme, _, encoded = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            pair = base64.b64decode(encoded, validate=True).decode()
        except ValueError as error:
            raise problems.aadsts(7000215, now) from error
        client_id, _, secret = (unquote(part) for part in pair.partition(":"))
    client = world.clients.get(client_id)
    if client is None or client.deleted:
        raise problems.aadsts(700016 if client_id else 90014, now)
    if not secret:
        raise problems.aadsts(7000218, now)
    if not secrets.compare_digest(secret.encode(), client.secret.encode()):
        raise problems.aadsts(7000215, now)
    if client.secret_expired:
        raise problems.aadsts(7000222, now)
    return client


def _exchange(world: World, call: Call, client: Client, path: str) -> Answer:
    code = _paid(world, call, client, path)
    account = _account(world, code.oid)
    scopes = _asked(world, call) or code.scopes
    if not names.bares(scopes) <= names.bares(code.scopes) | names.SIGN_IN:
        raise problems.aadsts(65001, world.clock.now())
    scopes = tuple(one for one in code.scopes if names.bare(one) in names.bares(scopes))
    body = _body(world, call, client, account, scopes)
    if "offline_access" in names.bares(code.scopes):
        body["refresh_token"] = world.microsoft.grants.new_refresh(client.client_id, account).token
    if "openid" in names.bares(code.scopes):
        body["id_token"] = id_token(
            world, account, client, nonce=code.nonce, scopes=set(names.bares(code.scopes))
        )
    return json_answer(body, 200, **NO_STORE)


def _paid(world: World, call: Call, client: Client, path: str) -> Code:
    """
    The code, used up.

    :raises Problem: unknown, used, expired, of another tenant's path, address or verifier
    """
    now, form = world.clock.now(), call.form
    code = world.microsoft.grants.codes.get(form.get("code", ""))
    if code is None or code.client_id != client.client_id:
        raise problems.aadsts(70000, now)
    if code.used:
        raise problems.aadsts(54005, now)
    if code.expires_at <= now:
        raise problems.aadsts(70008, now)
    if code.path != path:
        raise problems.aadsts(700005, now)
    if form.get("redirect_uri", "") != code.redirect_uri:
        raise problems.aadsts(50011, now)
    if code.challenge and not code.verified_by(form.get("code_verifier", "")):
        raise problems.aadsts(501481, now)
    code.used = True
    return code


def _account(world: World, oid: str) -> Account:
    account = world.microsoft.people.find(oid)
    if account is None:
        raise problems.aadsts(50034, world.clock.now())
    if account.is_disabled:
        raise problems.aadsts(50057, world.clock.now())
    return account


def _asked(world: World, call: Call) -> tuple[str, ...]:
    asked = tuple(call.form.get("scope", "").split())
    if any(map(names.is_foreign, asked)):
        raise problems.aadsts(700022, world.clock.now())
    if not all(map(names.known, asked)):
        raise problems.aadsts(70011, world.clock.now())
    return asked


def _body(
    world: World, call: Call, client: Client, account: Account, scopes: tuple[str, ...]
) -> dict[str, Any]:
    aware = _is_aware(call.form.get("claims", ""))
    access = world.microsoft.grants.new_access(client.client_id, account.oid, scopes, aware=aware)
    left = round(access.expires_at - world.clock.now())
    return {
        "token_type": "Bearer",
        "scope": names.shown(scopes),
        "expires_in": left,
        "ext_expires_in": left,
        "access_token": access.token,
    }


def _is_aware(claims: str) -> bool:
    """Whether the client said cp1: it can take a claims challenge."""
    try:
        found = orjson.loads(claims or b"{}")["access_token"]["xms_cc"]["values"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return False
    return "cp1" in found


def _refresh(world: World, call: Call, client: Client, path: str) -> Answer:
    now, grants = world.clock.now(), world.microsoft.grants
    refresh = grants.refreshes.get(call.form.get("refresh_token", ""))
    if refresh is None or refresh.client_id != client.client_id:
        raise problems.aadsts(70000, now)
    account = _account(world, refresh.oid)
    if number := grants.why_not(refresh):
        raise problems.aadsts(number, now)
    if account not in world.microsoft.people.welcome(path):
        raise problems.aadsts(700005, now)
    claims = grants.demanded.get(account.oid, "")
    if claims:
        raise problems.aadsts(50076, now, claims=claims)
    agreed = grants.agreed(client.client_id, account.oid)
    asked = _asked(world, call) or tuple(agreed)
    if names.bares(asked) - names.SIGN_IN - agreed:
        raise problems.aadsts(65001, now)
    withheld = names.bares(world.dials.graph_withheld_scopes.split())
    asked = tuple(one for one in asked if names.bare(one) not in withheld)
    refresh.used_at = now
    body = _body(world, call, client, account, asked)
    if world.dials.graph_refresh_rotates:
        body["refresh_token"] = grants.new_refresh(client.client_id, account).token
    if "openid" in names.bares(asked):
        scopes = set(names.bares(asked))
        body["id_token"] = id_token(world, account, client, nonce="", scopes=scopes)
    return json_answer(body, 200, **NO_STORE)
