"""
Authlib only builds the requests: its client has no timeout, sends scopes on refresh and raises
errors that hold the response.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from . import errors, id_tokens, provider_http
from .provider_definition import Provider
from .token_responses import (
    MAX_ACCESS_TOKEN,
    TokenSet,
    build_token_set,
    map_token_error,
    parse_fields,
    require_token_text,
)

__all__ = [
    "GrantRevocationResult",
    "OAuthEndpoints",
    "TokenSet",
    "authorize_url",
    "exchange_code",
    "refresh_tokens",
    "revoke_token",
]


@dataclass(frozen=True, slots=True)
class OAuthEndpoints:
    """:param issuer_required: whether a callback must name the issuer (RFC 9207)"""

    issuer: str
    authorize_url: str
    token_url: str
    revoke_url: str
    certs_url: str
    userinfo_url: str
    api_root_url: str
    client_id: str
    client_secret: str = field(repr=False)
    issuer_required: bool = True


class GrantRevocationResult(StrEnum):
    CONFIRMED = "confirmed"
    # 400 `invalid_token`: the provider no longer knows the grant.
    ALREADY_GONE = "already_gone"


def authorize_url(  # noqa: PLR0913
    provider: Provider,
    endpoints: OAuthEndpoints,
    *,
    redirect_uri: str,
    scopes: frozenset[str],
    state: str,
    nonce: str,
    code_verifier: str,
    login_hint: str = "",
    claims: str = "",
) -> str:
    """
    Include PKCE S256, state and nonce.

    :param claims: the claims of `StepUpWanted`, for the person to meet
    """
    extra = dict(provider.authorize_params)
    if login_hint:
        extra["login_hint"] = login_hint
        if extra.get("prompt") == "select_account":
            # The login hint selects the account.
            del extra["prompt"]
    if claims:
        extra["claims"] = claims
    return str(
        prepare_grant_uri(
            endpoints.authorize_url,
            client_id=endpoints.client_id,
            response_type="code",
            redirect_uri=redirect_uri,
            scope=" ".join(sorted(scopes)),
            state=state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(code_verifier),
            code_challenge_method="S256",
            **extra,
        )
    )


def exchange_code(  # noqa: PLR0913
    provider: Provider,
    endpoints: OAuthEndpoints,
    *,
    code: str,
    redirect_uri: str,
    code_verifier: str,
    nonce: str,
    callback_issuer: str = "",
    at: datetime,
) -> TokenSet:
    """
    :param callback_issuer: the issuer that the callback named, or empty
    :raises CodeRejected: if the code is used, expired or not ours
    :raises IdentityRejected: if the id_token is missing or invalid
    :raises IssuerMismatch: if id_token and callback name different issuers
    :raises InvalidClient: if our registration is refused
    """
    answer = _request_tokens(
        provider,
        endpoints,
        prepare_token_request(
            "authorization_code",
            redirect_uri=redirect_uri,
            code=code,
            code_verifier=code_verifier,
        ),
        rejection=errors.CodeRejected,
    )
    access_token = require_token_text(answer, "access_token", MAX_ACCESS_TOKEN)
    id_token = answer.get("id_token")
    if not isinstance(id_token, str):
        raise errors.IdentityRejected("no id_token came", reason="id_token")
    expected_claims = id_tokens.ExpectedClaims(
        endpoints.issuer,
        endpoints.client_id,
        nonce,
        access_token,
        callback_issuer,
        subject_claims=provider.subject_claims,
        address_claims=provider.address_claims,
    )
    verified_identity = id_tokens.verify_id_token(
        id_token, expected_claims, keys=id_tokens.get_key_cache(endpoints.certs_url), at=at
    )
    return build_token_set(provider, answer, verified_identity, at)


def refresh_tokens(
    provider: Provider,
    endpoints: OAuthEndpoints,
    *,
    refresh_token: str,
    at: datetime,
    claims: str = "",
) -> TokenSet:
    """
    Send no scope: Google may refuse the refresh for one.

    :param claims: the claims of `ClaimsWanted`
    :raises GrantRevoked: if the provider ended the grant
    :raises InvalidClient: if our registration is refused
    :raises Unavailable: if the provider gave no clear answer
    """
    extra = {"claims": claims} if claims else {}
    answer = _request_tokens(
        provider,
        endpoints,
        prepare_token_request("refresh_token", refresh_token=refresh_token, **extra),
        rejection=errors.GrantRevoked,
    )
    return build_token_set(provider, answer, None, at)


def revoke_token(endpoints: OAuthEndpoints, *, token: str) -> GrantRevocationResult:
    """
    Google revokes all grants of this user to the project.

    :raises Unavailable: if the result is unknown
    """
    response = provider_http.post_form(endpoints.revoke_url, {"token": token})
    if response.status == HTTPStatus.OK:
        return GrantRevocationResult.CONFIRMED
    error = parse_fields(response).get("error")
    if response.status == HTTPStatus.BAD_REQUEST and error == "invalid_token":
        return GrantRevocationResult.ALREADY_GONE
    raise map_token_error(response, errors.Unexpected)


def _request_tokens(
    provider: Provider,
    endpoints: OAuthEndpoints,
    body: str,
    *,
    rejection: type[errors.ProviderError],
) -> dict[str, Any]:
    form = dict(parse_qsl(body, keep_blank_values=True))
    form |= {"client_id": endpoints.client_id, "client_secret": endpoints.client_secret}
    response = provider_http.post_form(endpoints.token_url, form)
    if response.status != HTTPStatus.OK:
        raise map_token_error(response, rejection, provider.errors_by_number)
    answer = parse_fields(response)
    if not answer:
        raise errors.Unavailable("the answer was not the token endpoint's", status=200)
    return answer
