"""
OAuth as a client: to the consent page, code to tokens, refresh, revoke.

Authlib writes the requests; sending them and judging the answers is ours,
because its own client has no timeout, sends scopes on refresh, and raises
errors that hold the answer.
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

from . import errors, http, identity
from .provider import Provider
from .token_responses import (
    MAX_ACCESS_TOKEN,
    TokenSet,
    build_token_set,
    map_token_error,
    parse_fields,
    require_token_text,
)

__all__ = [
    "Endpoints",
    "Revocation",
    "TokenSet",
    "authorize_url",
    "exchange_code",
    "refresh_tokens",
    "revoke_token",
]


@dataclass(frozen=True, slots=True)
class Endpoints:
    """
    Where a provider is, and who we are to it.

    :param issuer_required: whether a callback must name the issuer (RFC 9207)
    """

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


class Revocation(StrEnum):
    CONFIRMED = "confirmed"
    # 400 `invalid_token`: the provider knew of no such grant any more.
    ALREADY_GONE = "already_gone"


def authorize_url(  # noqa: PLR0913
    provider: Provider,
    endpoints: Endpoints,
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
    Return the address of the consent page: PKCE S256, state and nonce in it.

    :param claims: what `StepUpWanted` said that the person has to meet
    """
    extra = dict(provider.authorize_params)
    if login_hint:
        extra["login_hint"] = login_hint
        if extra.get("prompt") == "select_account":
            # It is selected.
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
    endpoints: Endpoints,
    *,
    code: str,
    redirect_uri: str,
    code_verifier: str,
    nonce: str,
    callback_issuer: str = "",
    at: datetime,
) -> TokenSet:
    """
    Return the tokens for `code`, and who gave them.

    :param callback_issuer: the issuer that the callback named; empty if it named none
    :raises CodeRejected: if the code is used, expired or not ours
    :raises IdentityRejected: if the id_token is missing or does not hold
    :raises IssuerMismatch: if it is of another issuer than the callback named
    :raises InvalidClient: if our own registration is refused
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
    expected_claims = identity.ExpectedClaims(
        endpoints.issuer,
        endpoints.client_id,
        nonce,
        access_token,
        callback_issuer,
        subject_claims=provider.subject_claims,
        address_claims=provider.address_claims,
    )
    verified_identity = identity.verify_id_token(
        id_token, expected_claims, keys=identity.get_key_cache(endpoints.certs_url), at=at
    )
    return build_token_set(provider, answer, verified_identity, at)


def refresh_tokens(
    provider: Provider,
    endpoints: Endpoints,
    *,
    refresh_token: str,
    at: datetime,
    claims: str = "",
) -> TokenSet:
    """
    Return new tokens. No scope is sent: Google may refuse the refresh for it.

    :param claims: what `ClaimsWanted` said the new token has to be asked for with
    :raises GrantRevoked: if the provider says that the grant is gone
    :raises InvalidClient: if our own registration is refused
    :raises Unavailable: if it did not say anything of the kind: try again later
    """
    extra = {"claims": claims} if claims else {}
    answer = _request_tokens(
        provider,
        endpoints,
        prepare_token_request("refresh_token", refresh_token=refresh_token, **extra),
        rejection=errors.GrantRevoked,
    )
    return build_token_set(provider, answer, None, at)


def revoke_token(endpoints: Endpoints, *, token: str) -> Revocation:
    """
    Withdraw the grant that `token` belongs to. At Google that is all of this user's, project-wide.

    :raises Unavailable: if it is not known to have happened
    """
    response = http.post_form(endpoints.revoke_url, {"token": token})
    if response.status == HTTPStatus.OK:
        return Revocation.CONFIRMED
    error = parse_fields(response).get("error")
    if response.status == HTTPStatus.BAD_REQUEST and error == "invalid_token":
        return Revocation.ALREADY_GONE
    raise map_token_error(response, errors.Unexpected)


def _request_tokens(
    provider: Provider,
    endpoints: Endpoints,
    body: str,
    *,
    rejection: type[errors.ProviderError],
) -> dict[str, Any]:
    form = dict(parse_qsl(body, keep_blank_values=True))
    form |= {"client_id": endpoints.client_id, "client_secret": endpoints.client_secret}
    response = http.post_form(endpoints.token_url, form)
    if response.status != HTTPStatus.OK:
        raise map_token_error(response, rejection, provider.errors_by_number)
    answer = parse_fields(response)
    if not answer:
        raise errors.Unavailable("the answer was not the token endpoint's", status=200)
    return answer
