"""The two grants of the token endpoint: client credentials, and authorization codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from authlib.oauth2.rfc6749 import (
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    UnauthorizedClientError,
)
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, ClientCredentialsGrant
from authlib.oauth2.rfc7636 import CodeChallenge

from accounts import api_tokens, authorization_codes, client_removals, client_usage
from accounts.models import AuthorizationCode, ServiceClient
from accounts.oauth.registered_client import (
    CLIENT_SCOPE,
    RegisteredClient,
    build_scope,
    read_purpose,
)

#: Characters of a SHA-256 in base64url without padding.
S256_LENGTH: Final = 43
_NOT_REGISTERED: Final = "The client is not registered for this purpose."

_TokenResponse = tuple[int, dict[str, Any], list[tuple[str, str]]]


class ServiceCredentialsGrant(ClientCredentialsGrant):  # type: ignore[misc]  # authlib ships no types
    """
    RFC 6749 §4.4, narrowed: `scope` is one purpose, and `delegation` one person's.

    With the scope ``client`` and without a delegation, the token is the client's own.
    """

    TOKEN_ENDPOINT_AUTH_METHODS = ["private_key_jwt"]

    def validate_token_request(self) -> None:
        client: RegisteredClient = self.authenticate_token_endpoint_client()
        self.row = client.row
        form = self.request.form
        scope = form.get("scope", "")
        if scope == CLIENT_SCOPE:
            if form.get("delegation"):
                raise InvalidRequestError("A token with the scope client has no delegation.")
            self.purpose = None
            return
        if not self.row.purposes:
            raise UnauthorizedClientError("The client has no purposes.")
        self.purpose = read_purpose(scope)
        if self.purpose is None:
            raise InvalidScopeError("scope must be one purpose:<name>, or client.")
        if not form.get("delegation"):
            raise InvalidRequestError("The parameter delegation is missing.")
        self.delegation_id = _read_uuid(form["delegation"])

    def create_token_response(self) -> _TokenResponse:
        if self.purpose is None:
            token = api_tokens.issue_client_token(client=self.row, at=self.server.at)
            return 200, _describe_token(token, CLIENT_SCOPE), self.TOKEN_RESPONSE_HEADER
        token = _issue_or_refuse(
            lambda: api_tokens.issue_access_token(
                client=self.row,
                delegation_id=self.delegation_id,
                purpose=self.purpose,
                at=self.server.at,
            )
        )
        return 200, _describe_token(token, build_scope(self.purpose)), self.TOKEN_RESPONSE_HEADER


class S256Challenge(CodeChallenge):  # type: ignore[misc]  # authlib ships no types
    """RFC 7636, for every client and with `S256` alone."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ["S256"]

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        data = grant.request.payload.data
        if not data.get("code_challenge"):
            raise InvalidRequestError("code_challenge is missing (RFC 7636).")
        if len(data["code_challenge"]) != S256_LENGTH:
            raise InvalidRequestError(f"code_challenge must have {S256_LENGTH} characters.")
        if data.get("code_challenge_method") != "S256":
            raise InvalidRequestError("code_challenge_method must be S256.")
        super().validate_code_challenge(grant, redirect_uri)

    def validate_code_verifier(self, grant: Any, result: Any) -> None:
        try:
            super().validate_code_verifier(grant, result)
        except InvalidGrantError:
            error = InvalidGrantError("code_verifier does not belong to the code_challenge.")
        else:
            return
        raise error

    def get_authorization_code_challenge_method(self, authorization_code: Any) -> str:  # noqa: ARG002
        return "S256"


@dataclass(frozen=True, slots=True)
class _IssuedCode:
    """A code's row in the shape that authlib asks for."""

    row: AuthorizationCode

    @property
    def code_challenge(self) -> str:
        return self.row.code_challenge

    def get_redirect_uri(self) -> str:
        return self.row.redirect_uri


class DelegationCodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]  # authlib ships no types
    """
    RFC 6749 §4.1: a person's answer becomes a delegation and its first token.

    `grant_user` of authlib's authorization response is the person's `Delegation`.
    """

    TOKEN_ENDPOINT_AUTH_METHODS = ["private_key_jwt"]

    def generate_authorization_code(self) -> str:
        return authorization_codes.generate_code()

    def save_authorization_code(self, code: str, request: Any) -> None:
        grant = authorization_codes.AuthorizationGrant(
            client=request.client.row,
            delegation=request.user,
            redirect_uri=request.payload.redirect_uri,
            code_challenge=request.payload.data["code_challenge"],
            purpose=read_purpose(request.scope) or "",
        )
        authorization_codes.save_authorization_code(code, grant, at=self.server.at)

    def query_authorization_code(self, code: str, client: RegisteredClient) -> _IssuedCode:
        self.row: ServiceClient = client.row
        try:
            row = authorization_codes.find_authorization_code(
                code,
                client=self.row,
                redirect_uri=self.request.payload.redirect_uri or "",
                at=self.server.at,
            )
        except authorization_codes.CodeRefused as refusal:
            error = self._refuse_code(refusal, code)
        else:
            return _IssuedCode(row)
        raise error

    def create_token_response(self) -> _TokenResponse:
        code = self.request.authorization_code.row
        # Nobody is entered yet, so a function finds the person.
        user_id = _issue_or_refuse(
            lambda: api_tokens.find_live_delegation(
                client=self.row, delegation_id=code.delegation_id, at=self.server.at
            )
        ).user_id
        # Before the exchange's transaction, which would take back the count and its alarm.
        client_usage.count_client_user(client=self.row, user_id=user_id, at=self.server.at)
        try:
            token = _issue_or_refuse(
                lambda: authorization_codes.use_authorization_code(
                    code, client=self.row, at=self.server.at
                )
            )
        except authorization_codes.CodeRefused as refusal:
            error = self._refuse_code(refusal, self.request.form["code"])
        else:
            body = _describe_token(token, build_scope(code.purpose))
            person = api_tokens.find_active_person(user_id)
            body |= {
                "delegation": str(code.delegation_id),
                "user": str(user_id),
                "platform_user": person.platform_id if person is not None else None,
            }
            return 200, body, self.TOKEN_RESPONSE_HEADER
        raise error

    def _refuse_code(
        self, refusal: authorization_codes.CodeRefused, code: str
    ) -> InvalidGrantError:
        if refusal.problem is authorization_codes.CodeProblem.USED:
            authorization_codes.revoke_token_of_code(code, client=self.row)
        return InvalidGrantError(str(refusal.problem))


def _issue_or_refuse(issue: Any) -> Any:
    """:raises OAuth2Error: with the cause"""
    try:
        result = issue()
    except api_tokens.PurposeNotDeclared:
        error: Exception = InvalidScopeError(_NOT_REGISTERED)
    except api_tokens.NotDelegated as refusal:
        error = InvalidGrantError(str(refusal.problem))
    except client_removals.RemovalsOverdue as overdue:
        error = UnauthorizedClientError(overdue.description)
    else:
        return result
    raise error


def _describe_token(token: str, scope: str) -> dict[str, Any]:
    return {
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": int(api_tokens.TOKEN_LIFETIME.total_seconds()),
        "scope": scope,
    }


def _read_uuid(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        pass
    raise InvalidRequestError("The parameter delegation must be a UUID.")
