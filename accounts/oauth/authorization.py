"""
Authorization requests: a client sends a person to `/oauth/authorize` (RFC 6749 §4.1.1).

Until the redirect URI is known to be the client's, a problem is shown to the person. From then on,
the person is taken back with an error (RFC 6749 §4.1.2.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlsplit

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import AccessDeniedError, InvalidRequestError, InvalidScopeError
from django.http import HttpRequest, HttpResponse

from accounts.models import Delegation, ServiceClient
from accounts.oauth.endpoint_requests import EndpointRequest
from accounts.oauth.registered_client import RegisteredClient, read_purpose
from accounts.oauth.server import ClientServer

MAX_STATE: Final = 1024
_SINGLE: Final = (
    *("response_type", "client_id", "redirect_uri", "scope", "state"),
    *("code_challenge", "code_challenge_method"),
)


class LinkProblem(StrEnum):
    """Why the person cannot be taken back to the client."""

    CLIENT_MISSING = "client_missing"
    CLIENT_UNKNOWN = "client_unknown"
    REDIRECT_MISSING = "redirect_missing"
    REDIRECT_UNKNOWN = "redirect_unknown"
    STATE_TOO_LONG = "state_too_long"


class UntrustedLink(Exception):
    """Show the problem on a page."""

    def __init__(self, problem: LinkProblem) -> None:
        super().__init__(problem)
        self.problem = problem


class AuthorizationRefused(Exception):
    """Return `response`, which takes the person back to the client."""

    def __init__(self, response: HttpResponse) -> None:
        super().__init__("the authorization request is refused")
        self.response = response


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A valid request. Each method returns the redirect to the client."""

    client: ServiceClient
    purpose: str
    redirect_uri: str
    _server: ClientServer
    _request: EndpointRequest
    _grant: Any

    @property
    def redirect_origin(self) -> str:
        """Scheme, host and port: ``https://features.antares.example``."""
        parts = urlsplit(self.redirect_uri)
        return f"{parts.scheme}://{parts.netloc}"

    def allow(self, delegation: Delegation) -> HttpResponse:
        response: HttpResponse = self._server.create_authorization_response(
            self._request, grant_user=delegation, grant=self._grant
        )
        return response

    def deny(self, description: str) -> HttpResponse:
        return self._server.redirect_with_error(
            self._request, AccessDeniedError(description=description)
        )

    def refuse_purpose(self, description: str) -> HttpResponse:
        return self._server.redirect_with_error(self._request, InvalidScopeError(description))


def read_authorization_request(request: HttpRequest, *, at: datetime) -> AuthorizationRequest:
    """
    Read the parameters from the address.

    :raises UntrustedLink, AuthorizationRefused:
    """
    server = ClientServer(at=at)
    endpoint_request = EndpointRequest(request, reads_address=True)
    client = _find_client(server, endpoint_request)
    try:
        purpose = _check_parameters(endpoint_request, client)
        grant = server.get_consent_grant(endpoint_request)
    except OAuth2Error as error:
        response = server.redirect_with_error(endpoint_request, error)
    else:
        return AuthorizationRequest(
            client=client.row,
            purpose=purpose,
            redirect_uri=endpoint_request.payload.redirect_uri,
            _server=server,
            _request=endpoint_request,
            _grant=grant,
        )
    raise AuthorizationRefused(response)


def _find_client(server: ClientServer, request: EndpointRequest) -> RegisteredClient:
    parameters = request.args
    client_id, redirect_uri = (
        _get_single(parameters.getlist(name)) for name in ("client_id", "redirect_uri")
    )
    if client_id is None:
        raise UntrustedLink(LinkProblem.CLIENT_MISSING)
    client = server.query_client(client_id)
    if client is None:
        raise UntrustedLink(LinkProblem.CLIENT_UNKNOWN)
    if redirect_uri is None:
        raise UntrustedLink(LinkProblem.REDIRECT_MISSING)
    if not client.check_redirect_uri(redirect_uri):
        raise UntrustedLink(LinkProblem.REDIRECT_UNKNOWN)
    if len(parameters.get("state", "")) > MAX_STATE:
        raise UntrustedLink(LinkProblem.STATE_TOO_LONG)
    return client


def _get_single(values: list[str]) -> str | None:
    return values[0] if len(values) == 1 and values[0] else None


def _check_parameters(request: EndpointRequest, client: RegisteredClient) -> str:
    """
    Return the purpose. authlib checks the same, and its texts repeat the request's.

    :raises OAuth2Error: with the cause
    """
    for name in _SINGLE:
        if len(request.args.getlist(name)) > 1:
            raise InvalidRequestError(f"{name} was sent twice.")
    if request.args.get("response_type") != "code":
        raise UnsupportedResponseType
    purpose = read_purpose(request.args.get("scope", ""))
    if purpose is None:
        raise InvalidScopeError("scope must be one purpose:<name>.")
    if purpose not in client.row.purposes:
        raise InvalidScopeError("The client is not registered for this purpose.")
    return purpose


class UnsupportedResponseType(OAuth2Error):  # type: ignore[misc]  # authlib ships no types
    error = "unsupported_response_type"
    description = "response_type must be code."
