"""authlib's authorization server, for one request."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from authlib.common.urls import add_params_to_uri
from authlib.oauth2 import AuthorizationServer, OAuth2Error
from authlib.oauth2.rfc6749 import (
    AccessDeniedError,
    InvalidRequestError,
    UnsupportedGrantTypeError,
)
from authlib.oauth2.rfc9207 import IssuerParameter
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse

from accounts import client_usage
from accounts.oauth.assertion import PrivateKeyJwtAuthenticator
from accounts.oauth.endpoint_requests import EndpointRequest, check_form_request
from accounts.oauth.grants import DelegationCodeGrant, S256Challenge, ServiceCredentialsGrant
from accounts.oauth.registered_client import RegisteredClient, find_registered_client
from accounts.oauth.revocation import TokenRevocation

logger = logging.getLogger(__name__)


class UnknownGrantType(UnsupportedGrantTypeError):  # type: ignore[misc]  # authlib ships no types
    # The parent's method would echo the request's text, and its answer has no description.
    description = "grant_type must be authorization_code or client_credentials."

    def get_error_description(self) -> str:
        return self.description


def get_issuer() -> str:
    """Return the issuer identifier (RFC 8414 §2)."""
    issuer: str = settings.PUBLIC_URL.rstrip("/")
    return issuer


def get_token_endpoint() -> str:
    """Return the audience of client assertions at all endpoints; the issuer will do as well."""
    return get_issuer() + reverse("oauth_token")


class _Issuer(IssuerParameter):  # type: ignore[misc]  # authlib ships no types
    """RFC 9207, for Django's responses."""

    def add_issuer_parameter(self, authorization_server: Any, response: HttpResponse) -> None:  # noqa: ARG002
        if location := response.headers.get("Location"):
            response.headers["Location"] = add_params_to_uri(location, {"iss": get_issuer()})


class ClientServer(AuthorizationServer):  # type: ignore[misc]  # authlib ships no types
    """:param at: the request's clock"""

    def __init__(self, *, at: datetime) -> None:
        super().__init__()
        self.at = at
        self._private_key_jwt = PrivateKeyJwtAuthenticator(
            audiences=(get_token_endpoint(), get_issuer()), at=at
        )
        self.register_grant(ServiceCredentialsGrant)
        self.register_grant(DelegationCodeGrant, [S256Challenge()])
        self.register_endpoint(TokenRevocation)
        self.register_extension(_Issuer())

    def query_client(self, client_id: str) -> RegisteredClient | None:
        return find_registered_client(client_id)

    def authenticate_client(
        self,
        request: Any,
        methods: list[str],  # authlib's shape  # noqa: ARG002  # authlib's shape
        endpoint: str = "token",
    ) -> RegisteredClient:
        # authlib would try its other methods; there are none.
        client = self._private_key_jwt.authenticate_client(request.form)
        request.client = client
        # A client may always end a token.
        if endpoint == "token":
            client_usage.count_token_request(client.row, at=self.at)
        return client

    def create_oauth2_request(self, request: HttpRequest | EndpointRequest) -> EndpointRequest:
        return request if isinstance(request, EndpointRequest) else EndpointRequest(request)

    def get_token_grant(self, request: Any) -> Any:
        check_form_request(request.http)
        if not request.payload.grant_type:
            raise InvalidRequestError("The parameter grant_type is missing.")
        if request.payload.grant_type not in {
            ServiceCredentialsGrant.GRANT_TYPE,
            DelegationCodeGrant.GRANT_TYPE,
        }:
            raise UnknownGrantType(None)
        return super().get_token_grant(request)

    def create_token_response(self, request: Any = None) -> HttpResponse:
        try:
            response: HttpResponse = super().create_token_response(request)
        except InvalidRequestError as error:
            # Raised by `get_token_grant`; authlib expects only an unknown grant type there.
            response = self.handle_error_response(request, error)
        return response

    def handle_error_response(self, request: Any, error: OAuth2Error) -> HttpResponse:
        _log_refusal(error.error, error.description)
        response: HttpResponse = super().handle_error_response(request, error)
        return response

    def redirect_with_error(self, request: EndpointRequest, error: OAuth2Error) -> HttpResponse:
        """Take the person back to the client's redirect URI, which has been checked."""
        error.redirect_uri = request.payload.redirect_uri
        error.state = request.payload.state
        response = self.handle_error_response(request, error)
        _Issuer().add_issuer_parameter(self, response)
        return response

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Send nothing: the token's row names the client."""

    def handle_response(
        self, status: int, body: Any, headers: list[tuple[str, str]]
    ) -> HttpResponse:
        is_redirect = body == ""
        response = HttpResponse() if is_redirect else JsonResponse(dict(body))
        response.status_code = status
        for name, value in headers:
            response.headers[name] = value
        return response


def _log_refusal(code: str, description: str) -> None:
    """Log what the client is told: fixed texts, which repeat no value of the request."""
    fields = {"error": code, "reason": description}
    if code == AccessDeniedError.error:
        # No fault of the client.
        logger.info("oauth.refused", extra=fields)
    else:
        logger.warning("oauth.refused", extra=fields)
