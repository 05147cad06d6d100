"""
Authentication of API requests: by a token for a person, by a client's own token, by a session.

A refusal names its cause, in the response and in the log, but never why a token is not live.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from copy import copy
from enum import StrEnum
from typing import Any, Final

from django.contrib.auth.models import AnonymousUser
from django.http import QueryDict
from django.utils import timezone
from rest_framework import authentication, exceptions
from rest_framework.request import Request

from accounts import api_tokens, client_removals, client_usage, row_owner
from accounts.caller_limits import RateLimitReached
from accounts.models import ServiceToken, User

logger = logging.getLogger(__name__)

# RFC 6750 §2.1. Other values after `Bearer` are refused without a query.
_BEARER = re.compile(r"Bearer ([A-Za-z0-9._~+/-]{1,512}=*)", re.IGNORECASE)


class TokenRejectionCause(StrEnum):
    NOT_BEARER = "not_bearer"
    # One cause for a token that never existed, has expired, or was ended by anybody.
    NOT_LIVE = "not_live"
    OF_CLIENT = "of_client"
    OF_PERSON = "of_person"


#: What the client is told.
TOKEN_REJECTION_TEXTS: Final[Mapping[TokenRejectionCause, str]] = {
    TokenRejectionCause.NOT_BEARER: (
        "The header Authorization must be `Bearer`, a space and an access token."
    ),
    TokenRejectionCause.NOT_LIVE: (
        "This access token is unknown, has expired or has ended. /oauth/token issues another one,"
        " or says why not."
    ),
    TokenRejectionCause.OF_CLIENT: (
        "This is the client's own token, which opens /v1/delegations and /v1/removals only."
    ),
    TokenRejectionCause.OF_PERSON: (
        "This token is for a person's data. /v1/delegations and /v1/removals need the client's own"
        " token (scope `client`)."
    ),
}


class ServiceTokenAuthentication(authentication.BaseAuthentication):
    """
    Authenticate `Authorization: Bearer …`; `request.auth` is then the `ServiceToken`.

    `request.user` is the person for whom the client acts. `request.auth` tells client and person
    apart (`actors.get_actor`, `role_permissions`).
    """

    def authenticate(self, request: Request) -> tuple[User, ServiceToken] | None:
        header = request.headers.get("Authorization")
        if header is None:
            return None
        at = timezone.now()
        value = _read_bearer_token(header)
        token = api_tokens.find_access_token(value, at=at)
        delegation = token.delegation if token is not None else None
        if token is None or delegation is None:
            is_client_token = api_tokens.find_client_token(value, at=at) is not None
            raise _reject_token(
                TokenRejectionCause.OF_CLIENT if is_client_token else TokenRejectionCause.NOT_LIVE
            )
        client_removals.refuse_overdue_client(token.client, at=at)
        try:
            if not token.is_counted:
                client_usage.count_client_user(
                    client=token.client, user_id=delegation.user_id, at=at
                )
        except client_usage.TooManyUsers as error:
            refusal = RateLimitReached("people", wait=error.retry_after)
        else:
            row_owner.enter_person(delegation.user_id, delegation.organisation_id)
            return delegation.user, token
        raise refusal

    def authenticate_header(self, request: Request) -> str:  # DRF's shape  # noqa: ARG002  # DRF's shape
        return 'Bearer realm="antares"'


class ClientTokenAuthentication(authentication.BaseAuthentication):
    """
    Authenticate a client's own token; `request.auth` is then the `ServiceToken`.

    `request.user` is anonymous: the client acts for nobody.
    """

    def authenticate(self, request: Request) -> tuple[AnonymousUser, ServiceToken] | None:
        header = request.headers.get("Authorization")
        if header is None:
            return None
        at = timezone.now()
        value = _read_bearer_token(header)
        token = api_tokens.find_client_token(value, at=at)
        if token is None:
            is_person_token = api_tokens.find_access_token(value, at=at) is not None
            raise _reject_token(
                TokenRejectionCause.OF_PERSON if is_person_token else TokenRejectionCause.NOT_LIVE
            )
        return AnonymousUser(), token

    def authenticate_header(self, request: Request) -> str:  # DRF's shape  # noqa: ARG002  # DRF's shape
        return 'Bearer realm="antares"'


class CountingAuthentication(authentication.BaseAuthentication):
    """
    Find the caller of a URL that does nothing, only to count the request for them.

    Any live token or session will do. Nobody is refused: without one, the caller is anonymous.
    """

    def authenticate(self, request: Request) -> tuple[User | AnonymousUser, Any] | None:
        header = request.headers.get("Authorization")
        if header is None:
            user = request._request.user  # noqa: SLF001 - DRF's own accessor is private
            return (user, None) if user.is_authenticated else None
        match = _BEARER.fullmatch(header)
        token = _find_any_token(match[1]) if match is not None else None
        if token is None:
            return None
        if token.delegation is None:
            return AnonymousUser(), token
        row_owner.enter_person(token.delegation.user_id, token.delegation.organisation_id)
        return token.delegation.user, token


class SessionAuthentication(authentication.SessionAuthentication):
    """
    A person's session, with CSRF checked by header, as the API takes no forms.

    Requests with an `Authorization` header never reach this class.
    """

    def enforce_csrf(self, request: Request) -> None:
        # Django first looks for the token in a form. For a form body, the REST framework would
        # return our parser's result, which may have no fields.
        without_form = copy(request._request)  # noqa: SLF001 - DRF's own accessor is private
        without_form.POST = QueryDict()
        super().enforce_csrf(without_form)  # type: ignore[arg-type]  # it takes both kinds


def _find_any_token(value: str) -> ServiceToken | None:
    at = timezone.now()
    return api_tokens.find_access_token(value, at=at) or api_tokens.find_client_token(value, at=at)


def _read_bearer_token(header: str) -> str:
    """:raises rest_framework.exceptions.AuthenticationFailed:"""
    match = _BEARER.fullmatch(header)
    if match is None:
        raise _reject_token(TokenRejectionCause.NOT_BEARER)
    return match[1]


def _reject_token(cause: TokenRejectionCause) -> exceptions.AuthenticationFailed:
    logger.info("token.rejected", extra={"reason": str(cause)})
    return exceptions.AuthenticationFailed(TOKEN_REJECTION_TEXTS[cause])
