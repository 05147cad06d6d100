"""A service client in the shape that authlib asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from authlib.oauth2.rfc6749 import ClientMixin

from accounts import caller_lookup
from accounts.models import CLIENT_PURPOSE, ServiceClient

AUTHORIZATION_CODE: Final = "authorization_code"
CLIENT_CREDENTIALS: Final = "client_credentials"
SCOPE_PREFIX: Final = "purpose:"
#: The scope of a client's own token.
CLIENT_SCOPE: Final = CLIENT_PURPOSE
_CLIENT_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True, slots=True)
class RegisteredClient(ClientMixin):  # type: ignore[misc]  # authlib ships no types
    row: ServiceClient

    def get_client_id(self) -> str:
        return self.row.client_id

    def get_default_redirect_uri(self) -> None:
        """Every request names its redirect URI, so that none is chosen for the client."""

    def get_allowed_scope(self, scope: str) -> str | None:
        """Return `scope` if it is one purpose of the client."""
        purpose = read_purpose(scope or "")
        return scope if purpose is not None and purpose in self.row.purposes else None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        # RFC 9700 §2.1: compared character by character.
        return redirect_uri in self.row.redirect_uris

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in {AUTHORIZATION_CODE, CLIENT_CREDENTIALS}


def find_registered_client(client_id: str) -> RegisteredClient | None:
    """Return the live client; None for a text that no client id has."""
    if not _CLIENT_ID.fullmatch(client_id):
        return None
    row = caller_lookup.find_client(client_id)
    return RegisteredClient(row) if row is not None else None


def read_purpose(scope: str) -> str | None:
    """Return the purpose of ``purpose:<name>``; None for any other scope."""
    purpose = scope.removeprefix(SCOPE_PREFIX)
    return purpose if scope.startswith(SCOPE_PREFIX) and purpose and " " not in purpose else None


def build_scope(purpose: str) -> str:
    return f"{SCOPE_PREFIX}{purpose}"
