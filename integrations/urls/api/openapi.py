"""
The OpenAPI document.

`manage.py spectacular --format openapi-json --file integrations/urls/api/openapi.json` generates
the served file; a test compares it with the views.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from drf_spectacular.extensions import OpenApiAuthenticationExtension

from accounts.oauth.server import get_issuer
from limited_use.policy.feature_registry import FEATURES

from .code_samples import ORIGIN

DOCUMENT_FILE = Path(__file__).with_name("openapi.json")


class ServiceTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # an untyped base class
    """A platform feature that acts for one person (read by drf-spectacular)."""

    target_class = "accounts.authentication.ServiceTokenAuthentication"
    name = "serviceToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:  # noqa: ARG002
        scopes = {
            f"purpose:{purpose}": feature.says
            for feature in FEATURES.values()
            if feature.platform_client
            for purpose in sorted(feature.purposes)
        }
        return {
            "type": "oauth2",
            "description": "Client credentials with `private_key_jwt`. A token is valid for one"
            " purpose, one `delegation` (a form field) and ten minutes.",
            "flows": {"clientCredentials": {"tokenUrl": "/oauth/token", "scopes": scopes}},
        }


class ClientTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # an untyped base class
    """A client in its own matters (read by drf-spectacular)."""

    target_class = "accounts.authentication.ClientTokenAuthentication"
    name = "clientToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:  # noqa: ARG002
        return {
            "type": "oauth2",
            "description": "Client credentials with `private_key_jwt`, without a `delegation`. The"
            " token stands for the client and for no person, and is valid for ten minutes.",
            "flows": {
                "clientCredentials": {
                    "tokenUrl": "/oauth/token",
                    "scopes": {"client": "The client's delegations and removals."},
                }
            },
        }


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # an untyped base class
    """The signed-in person (read by drf-spectacular)."""

    target_class = "accounts.authentication.SessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:  # noqa: ARG002
        return {"type": "apiKey", "in": "cookie", "name": "__Host-session"}


@cache
def read_document() -> bytes:
    """OpenAPI 3.1, as JSON."""
    return DOCUMENT_FILE.read_bytes()


@require_safe
def serve_document(_: HttpRequest) -> HttpResponse:
    """Serve the document with the addresses of this service in its examples."""
    document = read_document().replace(ORIGIN.encode(), get_issuer().encode())
    return HttpResponse(document, content_type="application/json")


# Public.
serve_document.permission = None  # type: ignore[attr-defined]
