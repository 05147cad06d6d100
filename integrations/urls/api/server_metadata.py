"""`/.well-known/oauth-authorization-server`: what a client has to know (RFC 8414)."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from accounts.client_keys import ALGORITHMS
from accounts.oauth.registered_client import (
    AUTHORIZATION_CODE,
    CLIENT_CREDENTIALS,
    CLIENT_SCOPE,
    build_scope,
)
from accounts.oauth.server import get_issuer, get_token_endpoint
from limited_use.policy.feature_registry import FEATURES

_AUTHENTICATION = ["private_key_jwt"]


@cache_control(public=True, max_age=3600)
@require_safe
def serve_metadata(_: HttpRequest) -> HttpResponse:
    issuer = get_issuer()
    return JsonResponse(
        {
            "issuer": issuer,
            "authorization_endpoint": issuer + reverse("oauth_authorize"),
            "token_endpoint": get_token_endpoint(),
            "revocation_endpoint": issuer + reverse("oauth_revoke"),
            "scopes_supported": _list_scopes(),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": [AUTHORIZATION_CODE, CLIENT_CREDENTIALS],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": _AUTHENTICATION,
            "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
            "revocation_endpoint_auth_methods_supported": _AUTHENTICATION,
            "revocation_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
            "authorization_response_iss_parameter_supported": True,
            "service_documentation": issuer + reverse("api-reference"),
        }
    )


def _list_scopes() -> list[str]:
    purposes = {
        purpose
        for feature in FEATURES.values()
        if feature.platform_client
        for purpose in feature.purposes
    }
    return [*(build_scope(purpose) for purpose in sorted(purposes)), CLIENT_SCOPE]


# Public.
serve_metadata.permission = None  # type: ignore[attr-defined]
