"""The token endpoint and revocation."""

import base64
import secrets
from typing import Any
from urllib.parse import unquote

from integrations.sandbox.accounts import OAuthClient
from integrations.sandbox.google import oauth_problems
from integrations.sandbox.google.grants import (
    GoogleAccessToken,
    GoogleCode,
    GoogleGrant,
    GoogleRefreshToken,
)
from integrations.sandbox.google.identity import make_id_token
from integrations.sandbox.google.scopes import ALIASES
from integrations.sandbox.http_messages import HttpAnswer, HttpCall, make_json_answer
from integrations.sandbox.state import SandboxState

NO_STORE = {"Cache-Control": "no-cache, no-store, max-age=0, must-revalidate", "Pragma": "no-cache"}


def answer_token_request(state: SandboxState, call: HttpCall) -> HttpAnswer:
    client = authenticate_client(state, call)
    grant_type = call.form.get("grant_type", "")
    if grant_type == "authorization_code":
        return _exchange_code(state, call, client)
    if grant_type == "refresh_token":
        return _refresh_access_token(state, call, client)
    raise oauth_problems.unsupported_grant_type(grant_type)


def authenticate_client(state: SandboxState, call: HttpCall) -> OAuthClient:
    """
    Return the client, authenticated by form fields or HTTP Basic.

    :raises HttpProblem: unknown client, deleted client or wrong secret
    """
    client_id, secret = call.form.get("client_id", ""), call.form.get("client_secret", "")
    scheme, _, encoded = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            pair = base64.b64decode(encoded, validate=True).decode()
        except ValueError as error:
            raise oauth_problems.invalid_client() from error
        client_id, _, secret = (unquote(part) for part in pair.partition(":"))
    if not client_id:
        raise oauth_problems.invalid_request("Could not determine client ID from request.")
    client = state.clients.get(client_id)
    if client is None:
        raise oauth_problems.invalid_client()
    if client.deleted:
        raise oauth_problems.invalid_client("The OAuth client was deleted.")
    if not secrets.compare_digest(secret.encode(), client.secret.encode()):
        raise oauth_problems.wrong_client_secret()
    return client


def _exchange_code(state: SandboxState, call: HttpCall, client: OAuthClient) -> HttpAnswer:
    code = _redeem_code(state, call, client)
    account = state.accounts.find(code.sub)
    if account is None:
        raise oauth_problems.invalid_grant("Bad Request")
    known_grant = state.grants.get_grant(client.project, account.sub)
    wants_refresh = code.offline and (
        known_grant is None or not known_grant.offline or code.consented
    )
    grant = state.grants.extend_grant(client.project, account.sub, code.scopes)
    refresh = None
    if wants_refresh:
        refresh = state.grants.issue_refresh_token(grant, client.client_id, code.scopes)
    access = state.grants.issue_access_token(
        grant, client.client_id, code.scopes, refresh.token if refresh else ""
    )
    state.tokens_by_code[code.code] = (refresh.token if refresh else "", access.token)
    body = _make_token_body(state, access, refresh)
    if refresh:
        body["refresh_token"] = refresh.token
    if "openid" in code.scopes:
        body["id_token"] = make_id_token(
            state, account, client, nonce=code.nonce, access=access.token
        )
    return make_json_answer(body, 200, **NO_STORE)


def _redeem_code(state: SandboxState, call: HttpCall, client: OAuthClient) -> GoogleCode:
    """:raises HttpProblem: unknown, used, expired, or not for this redirect_uri and verifier"""
    form = call.form
    code = state.grants.codes.get(form.get("code", ""))
    if code is None or code.client_id != client.client_id:
        raise oauth_problems.malformed_code()
    if code.used:
        # RFC 6749 §4.1.2: a repeated code revokes the tokens issued for it.
        for token in state.tokens_by_code.pop(code.code, ()):
            state.grants.drop_refresh_token(token)
            state.grants.drop_access_token(token)
        raise oauth_problems.invalid_grant("Bad Request")
    if code.expires_at <= state.clock.now():
        raise oauth_problems.invalid_grant("Bad Request")
    if form.get("redirect_uri", "") != code.redirect_uri:
        raise oauth_problems.redirect_uri_mismatch()
    if code.challenge:
        if not form.get("code_verifier"):
            raise oauth_problems.missing_code_verifier()
        if not code.matches_verifier(form["code_verifier"]):
            raise oauth_problems.invalid_code_verifier()
    code.used = True
    return code


def _make_token_body(
    state: SandboxState, access: GoogleAccessToken, refresh: GoogleRefreshToken | None
) -> dict[str, Any]:
    body: dict[str, Any] = {
        "access_token": access.token,
        "expires_in": state.knobs.access_token_seconds,
        "scope": " ".join(access.scopes),
        "token_type": "Bearer",
    }
    if refresh and refresh.expires_at:
        body["refresh_token_expires_in"] = int(refresh.expires_at - state.clock.now())
    return body


def _refresh_access_token(state: SandboxState, call: HttpCall, client: OAuthClient) -> HttpAnswer:
    knobs = state.knobs
    if knobs.refresh_refusal == "invalid_rapt":
        raise oauth_problems.invalid_rapt()
    if knobs.refresh_refusal == "admin_policy_enforced":
        raise oauth_problems.admin_policy_enforced()
    match = state.grants.find_refresh_token(call.form.get("refresh_token", ""))
    if match is None or match[1].client_id != client.client_id:
        if knobs.invalid_grant_bad_request:
            raise oauth_problems.invalid_grant("Bad Request")
        raise oauth_problems.invalid_grant()
    grant, refresh = match
    scopes = refresh.scopes
    if scope_names := call.form.get("scope", "").split():
        # Clients may only narrow scopes.
        narrowed = tuple(ALIASES.get(scope, scope) for scope in scope_names)
        if not set(narrowed) <= set(scopes):
            raise oauth_problems.invalid_scope()
        scopes = narrowed
    refresh.used_at = state.clock.now()
    rotated = knobs.rotate_refresh_tokens
    if rotated:
        successor = state.grants.issue_refresh_token(grant, client.client_id, refresh.scopes)
        state.grants.drop_refresh_token(refresh.token)
        refresh = successor
    access = state.grants.issue_access_token(grant, client.client_id, scopes, refresh.token)
    body = _make_token_body(state, access, refresh)
    if rotated:
        body["refresh_token"] = refresh.token
    return make_json_answer(body, 200, **NO_STORE)


def revoke_token(state: SandboxState, call: HttpCall) -> HttpAnswer:
    value = call.form.get("token") or call.get_param("token")
    grant: GoogleGrant | None = state.grants.find_grant(value) if value else None
    if grant is None:
        raise oauth_problems.invalid_token()
    state.grants.revoke_grant(grant)
    return make_json_answer({})
