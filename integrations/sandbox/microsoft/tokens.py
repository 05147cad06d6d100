"""The token endpoint. Old refresh tokens stay valid after a refresh."""

import base64
import secrets
from typing import Any
from urllib.parse import unquote

import orjson

from integrations.sandbox.accounts import OAuthClient
from integrations.sandbox.http_messages import HttpAnswer, HttpCall, make_json_answer
from integrations.sandbox.microsoft import problems
from integrations.sandbox.microsoft import scopes as names
from integrations.sandbox.microsoft.accounts import MicrosoftAccount
from integrations.sandbox.microsoft.grants import EntraCode
from integrations.sandbox.microsoft.identity import make_id_token
from integrations.sandbox.microsoft.metadata import get_issuer_tenant
from integrations.sandbox.state import SandboxState

NO_STORE = {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache"}


def answer_token_request(state: SandboxState, call: HttpCall, path: str) -> HttpAnswer:
    get_issuer_tenant(state, path)
    if number := int(state.knobs.graph_token_code):
        raise problems.make_aadsts_problem(number, state.clock.now())
    client = _authenticate_client(state, call)
    grant_type = call.form.get("grant_type", "")
    if grant_type == "authorization_code":
        return _exchange_code(state, call, client, path)
    if grant_type == "refresh_token":
        return _refresh_access_token(state, call, client, path)
    raise problems.make_aadsts_problem(70003 if grant_type else 90014, state.clock.now())


def _authenticate_client(state: SandboxState, call: HttpCall) -> OAuthClient:
    """
    Return the client, authenticated by form fields or HTTP Basic.

    :raises HttpProblem: unknown client, missing, wrong or expired secret
    """
    now = state.clock.now()
    client_id, secret = call.form.get("client_id", ""), call.form.get("client_secret", "")
    scheme, _, encoded = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            pair = base64.b64decode(encoded, validate=True).decode()
        except ValueError as error:
            raise problems.make_aadsts_problem(7000215, now) from error
        client_id, _, secret = (unquote(part) for part in pair.partition(":"))
    client = state.clients.get(client_id)
    if client is None or client.deleted:
        raise problems.make_aadsts_problem(700016 if client_id else 90014, now)
    if not secret:
        raise problems.make_aadsts_problem(7000218, now)
    if not secrets.compare_digest(secret.encode(), client.secret.encode()):
        raise problems.make_aadsts_problem(7000215, now)
    if client.secret_expired:
        raise problems.make_aadsts_problem(7000222, now)
    return client


def _exchange_code(
    state: SandboxState, call: HttpCall, client: OAuthClient, path: str
) -> HttpAnswer:
    code = _redeem_code(state, call, client, path)
    account = _find_account(state, code.oid)
    id_token_scopes = _read_scopes(state, call) or code.scopes
    if (
        not names.to_bare_scopes(id_token_scopes)
        <= names.to_bare_scopes(code.scopes) | names.SIGN_IN
    ):
        raise problems.make_aadsts_problem(65001, state.clock.now())
    id_token_scopes = tuple(
        scope
        for scope in code.scopes
        if names.to_bare_scope(scope) in names.to_bare_scopes(id_token_scopes)
    )
    body = _make_token_body(state, call, client, account, id_token_scopes)
    if "offline_access" in names.to_bare_scopes(code.scopes):
        body["refresh_token"] = state.microsoft.grants.issue_refresh_token(
            client.client_id, account
        ).token
    if "openid" in names.to_bare_scopes(code.scopes):
        body["id_token"] = make_id_token(
            state, account, client, nonce=code.nonce, scopes=set(names.to_bare_scopes(code.scopes))
        )
    return make_json_answer(body, 200, **NO_STORE)


def _redeem_code(state: SandboxState, call: HttpCall, client: OAuthClient, path: str) -> EntraCode:
    """:raises HttpProblem: unknown, used, expired, or of another path, address or verifier"""
    now, form = state.clock.now(), call.form
    code = state.microsoft.grants.codes.get(form.get("code", ""))
    if code is None or code.client_id != client.client_id:
        raise problems.make_aadsts_problem(70000, now)
    if code.used:
        raise problems.make_aadsts_problem(54005, now)
    if code.expires_at <= now:
        raise problems.make_aadsts_problem(70008, now)
    if code.path != path:
        raise problems.make_aadsts_problem(700005, now)
    if form.get("redirect_uri", "") != code.redirect_uri:
        raise problems.make_aadsts_problem(50011, now)
    if code.challenge and not code.matches_verifier(form.get("code_verifier", "")):
        raise problems.make_aadsts_problem(501481, now)
    code.used = True
    return code


def _find_account(state: SandboxState, oid: str) -> MicrosoftAccount:
    account = state.microsoft.accounts.find(oid)
    if account is None:
        raise problems.make_aadsts_problem(50034, state.clock.now())
    if account.is_disabled:
        raise problems.make_aadsts_problem(50057, state.clock.now())
    return account


def _read_scopes(state: SandboxState, call: HttpCall) -> tuple[str, ...]:
    scopes = tuple(call.form.get("scope", "").split())
    if any(map(names.is_foreign_scope, scopes)):
        raise problems.make_aadsts_problem(700022, state.clock.now())
    if not all(map(names.is_known_scope, scopes)):
        raise problems.make_aadsts_problem(70011, state.clock.now())
    return scopes


def _make_token_body(
    state: SandboxState,
    call: HttpCall,
    client: OAuthClient,
    account: MicrosoftAccount,
    id_token_scopes: tuple[str, ...],
) -> dict[str, Any]:
    can_be_challenged = _can_be_challenged(call.form.get("claims", ""))
    access = state.microsoft.grants.issue_access_token(
        client.client_id, account.oid, id_token_scopes, can_be_challenged=can_be_challenged
    )
    seconds_left = round(access.expires_at - state.clock.now())
    return {
        "token_type": "Bearer",
        "scope": names.format_scopes(id_token_scopes),
        "expires_in": seconds_left,
        "ext_expires_in": seconds_left,
        "access_token": access.token,
    }


def _can_be_challenged(claims: str) -> bool:
    """cp1: the client can handle a claims challenge."""
    try:
        capabilities = orjson.loads(claims or b"{}")["access_token"]["xms_cc"]["values"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return False
    return "cp1" in capabilities


def _refresh_access_token(
    state: SandboxState, call: HttpCall, client: OAuthClient, path: str
) -> HttpAnswer:
    now, grants = state.clock.now(), state.microsoft.grants
    refresh = grants.refresh_tokens.get(call.form.get("refresh_token", ""))
    if refresh is None or refresh.client_id != client.client_id:
        raise problems.make_aadsts_problem(70000, now)
    account = _find_account(state, refresh.oid)
    if number := grants.get_refusal_number(refresh):
        raise problems.make_aadsts_problem(number, now)
    if account not in state.microsoft.accounts.list_allowed(path):
        raise problems.make_aadsts_problem(700005, now)
    claims = grants.required_claims.get(account.oid, "")
    if claims:
        raise problems.make_aadsts_problem(50076, now, claims=claims)
    agreed_scopes = grants.get_consent(client.client_id, account.oid)
    scopes = _read_scopes(state, call) or tuple(agreed_scopes)
    if names.to_bare_scopes(scopes) - names.SIGN_IN - agreed_scopes:
        raise problems.make_aadsts_problem(65001, now)
    withheld_scopes = names.to_bare_scopes(state.knobs.graph_withheld_scopes.split())
    scopes = tuple(scope for scope in scopes if names.to_bare_scope(scope) not in withheld_scopes)
    refresh.used_at = now
    body = _make_token_body(state, call, client, account, scopes)
    if state.knobs.graph_refresh_rotates:
        body["refresh_token"] = grants.issue_refresh_token(client.client_id, account).token
    if "openid" in names.to_bare_scopes(scopes):
        id_token_scopes = set(names.to_bare_scopes(scopes))
        body["id_token"] = make_id_token(state, account, client, nonce="", scopes=id_token_scopes)
    return make_json_answer(body, 200, **NO_STORE)
