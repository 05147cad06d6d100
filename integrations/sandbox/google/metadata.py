"""Discovery document and keys."""

from integrations.sandbox.http_messages import HttpAnswer, HttpCall, make_json_answer
from integrations.sandbox.state import SandboxState

CACHED = {"Cache-Control": "public, max-age=3600"}


def show_openid_configuration(state: SandboxState, _: HttpCall) -> HttpAnswer:
    url = state.url
    return make_json_answer(
        {
            "issuer": state.issuer,
            "authorization_endpoint": f"{url}/o/oauth2/v2/auth",
            "token_endpoint": f"{url}/token",
            "userinfo_endpoint": f"{url}/v1/userinfo",
            "revocation_endpoint": f"{url}/revoke",
            "jwks_uri": f"{url}/oauth2/v3/certs",
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "email", "profile"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "claims_supported": [
                "aud", "email", "email_verified", "exp", "family_name", "given_name", "iat", "iss",
                "name", "picture", "sub",
            ],
            "code_challenge_methods_supported": ["plain", "S256"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "authorization_response_iss_parameter_supported": True,
        },
        200,
        **CACHED,
    )  # fmt: skip


def show_certs(state: SandboxState, _: HttpCall) -> HttpAnswer:
    return make_json_answer(state.keys.get_jwks(), 200, **CACHED)


def show_pem_certs(state: SandboxState, _: HttpCall) -> HttpAnswer:
    return make_json_answer(state.keys.get_pems(), 200, **CACHED)
