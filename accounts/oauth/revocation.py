"""Revocation of a token by its client (RFC 7009)."""

from __future__ import annotations

from typing import Any

from authlib.oauth2.rfc6749 import InvalidGrantError, InvalidRequestError
from authlib.oauth2.rfc7009 import RevocationEndpoint

from accounts import api_tokens
from accounts.oauth.endpoint_requests import check_form_request
from accounts.oauth.registered_client import RegisteredClient


class TokenRevocation(RevocationEndpoint):  # type: ignore[misc]  # authlib ships no types
    """Ends an access token. The delegation stays: the client may ask for another token."""

    CLIENT_AUTH_METHODS = ["private_key_jwt"]

    def create_endpoint_response(self, request: Any) -> tuple[int, Any, list[tuple[str, str]]]:
        check_form_request(request.http)
        response: tuple[int, Any, list[tuple[str, str]]] = super().create_endpoint_response(request)
        return response

    def authenticate_token(self, request: Any, client: RegisteredClient) -> None:
        """Revoke the token, so that no row of it reaches the caller."""
        token = request.form.get("token")
        if not token:
            raise InvalidRequestError("The parameter token is missing.")
        try:
            api_tokens.revoke_token(token, client=client.row)
        except api_tokens.TokenOfAnotherClient:
            error = InvalidGrantError("The token was issued to another client.")
        else:
            return
        raise error
