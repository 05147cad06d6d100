from __future__ import annotations

import re
from copy import copy

from django.contrib.auth.models import AnonymousUser
from django.http import QueryDict
from django.utils import timezone
from rest_framework import authentication, exceptions
from rest_framework.request import Request

from accounts import api_tokens, client_removals, client_usage, row_owner
from accounts.caller_limits import RateLimitReached
from accounts.models import ServiceToken, User

# RFC 6750 §2.1. Other values after `Bearer` are refused without a query.
_BEARER = re.compile(r"Bearer ([A-Za-z0-9._~+/-]{1,512}=*)", re.IGNORECASE)


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
        match = _BEARER.fullmatch(header)
        token = api_tokens.find_access_token(match[1], at=at) if match else None
        delegation = token.delegation if token is not None else None
        if token is None or delegation is None:
            raise exceptions.AuthenticationFailed("The token is not valid.")
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
        match = _BEARER.fullmatch(header)
        token = api_tokens.find_client_token(match[1], at=timezone.now()) if match else None
        if token is None:
            raise exceptions.AuthenticationFailed("The token is not valid.")
        return AnonymousUser(), token

    def authenticate_header(self, request: Request) -> str:  # DRF's shape  # noqa: ARG002  # DRF's shape
        return 'Bearer realm="antares"'


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
