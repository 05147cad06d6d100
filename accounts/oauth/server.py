"""authlib's authorization server with one grant: client credentials for one delegation."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from authlib.integrations.django_oauth2.requests import DjangoOAuth2Payload
from authlib.oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import (
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    OAuth2Request,
    UnauthorizedClientError,
    UnsupportedGrantTypeError,
)
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict

from accounts import api_tokens
from accounts.models import ServiceClient
from accounts.oauth.assertion import PrivateKeyJwtAuthenticator, find_assertion_client

SCOPE_PREFIX = "purpose:"
_FORM = "application/x-www-form-urlencoded"


class UnknownGrantType(UnsupportedGrantTypeError):  # type: ignore[misc]  # authlib ships no types
    def get_error_description(self) -> str:
        # The parent would echo the request's text.
        return "Only client_credentials is supported."


class DelegatedCredentialsGrant(ClientCredentialsGrant):  # type: ignore[misc]  # authlib ships no types
    """RFC 6749 §4.4, narrowed: `scope` is one purpose, `delegation` is one person's."""

    TOKEN_ENDPOINT_AUTH_METHODS = ["private_key_jwt"]

    def validate_token_request(self) -> None:
        client: ServiceClient = self.authenticate_token_endpoint_client()
        if not client.purposes:
            raise UnauthorizedClientError("The client has no purposes.")
        self.request.client = client
        form = self.request.form
        self.purpose = _read_purpose(form.get("scope", ""))
        self.delegation_id = _read_uuid(form.get("delegation", ""))

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        try:
            token = api_tokens.issue_access_token(
                client=self.request.client,
                delegation_id=self.delegation_id,
                purpose=self.purpose,
                at=self.server.at,
            )
        except api_tokens.PurposeNotDeclared:
            error: Exception = InvalidScopeError("The client did not register this purpose.")
        except api_tokens.NotDelegated:
            error = InvalidGrantError("The delegation is not live.")
        else:
            body = {
                "access_token": token,
                "token_type": "Bearer",
                "expires_in": int(api_tokens.TOKEN_LIFETIME.total_seconds()),
                "scope": f"{SCOPE_PREFIX}{self.purpose}",
            }
            return 200, body, self.TOKEN_RESPONSE_HEADER
        raise error


class TokenServer(AuthorizationServer):  # type: ignore[misc]  # authlib ships no types
    """
    Serves one request.

    :param at: the request's clock
    :param audience: the address of this endpoint
    """

    def __init__(self, *, audience: str, at: datetime) -> None:
        super().__init__()
        self.at = at
        self._private_key_jwt = PrivateKeyJwtAuthenticator(audience=audience, at=at)
        self.register_grant(DelegatedCredentialsGrant)

    def query_client(self, client_id: str) -> ServiceClient | None:
        return find_assertion_client(client_id)

    def authenticate_client(
        self,
        request: Any,
        methods: list[str],  # authlib's shape  # noqa: ARG002  # authlib's shape
        endpoint: str = "token",  # noqa: ARG002
    ) -> ServiceClient:
        # authlib would try its other methods; there are none.
        return self._private_key_jwt(self.query_client, request)

    def create_oauth2_request(self, request: HttpRequest) -> OAuth2Request:
        return _TokenRequest(request)

    def get_token_grant(self, request: Any) -> Any:
        _check_token_request(request.http)
        if request.payload.grant_type != DelegatedCredentialsGrant.GRANT_TYPE:
            raise UnknownGrantType(None)
        return super().get_token_grant(request)

    def create_token_response(self, request: Any = None) -> HttpResponse:
        try:
            response: HttpResponse = super().create_token_response(request)
        except InvalidRequestError as error:
            # Raised by `get_token_grant`; authlib expects only an unknown grant type there.
            response = self.handle_error_response(request, error)
        return response

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Send nothing: the token's row names the client."""

    def handle_response(
        self, status: int, body: Any, headers: list[tuple[str, str]]
    ) -> HttpResponse:
        response = JsonResponse(dict(body), status=status)
        for name, value in headers:
            response.headers[name] = value
        return response


class _TokenRequest(OAuth2Request):  # type: ignore[misc]  # authlib ships no types
    """
    A request of the token endpoint.

    authlib's class for Django refuses every http address but localhost's; here
    `SECURE_SSL_REDIRECT`, which knows about proxies, decides.
    """

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request.method, "https://token", headers=request.headers)
        self.payload = DjangoOAuth2Payload(request)
        self.http = request

    @property
    def args(self) -> QueryDict:
        return self.http.GET

    @property
    def form(self) -> QueryDict:
        return self.http.POST


def _check_token_request(request: HttpRequest) -> None:
    """Refuse parameters in the address, twice, or outside a form (RFC 6749 §3.2)."""
    if request.META.get("QUERY_STRING"):
        raise InvalidRequestError("Parameters belong into the body.")
    if request.content_type != _FORM:
        raise InvalidRequestError(f"The body must be {_FORM}.")
    if any(len(values) > 1 for _, values in request.POST.lists()):
        raise InvalidRequestError("A parameter was sent twice.")


def _read_purpose(scope: str) -> str:
    purpose = scope.removeprefix(SCOPE_PREFIX)
    if not scope.startswith(SCOPE_PREFIX) or not purpose or " " in purpose:
        raise InvalidScopeError("The scope is one purpose:<name>.")
    return purpose


def _read_uuid(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        pass
    raise InvalidRequestError("The parameter delegation must be a UUID.")
