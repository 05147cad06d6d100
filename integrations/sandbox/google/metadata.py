"""What clients read before they begin: discovery and keys."""

from integrations.sandbox.messages import Answer, Call, json_answer
from integrations.sandbox.world import World

CACHED = {"Cache-Control": "public, max-age=3600"}


def openid_configuration(world: World, _: Call) -> Answer:
    url = world.url
    return json_answer(
        {
            "issuer": world.issuer,
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


def certs(world: World, _: Call) -> Answer:
    return json_answer(world.keys.jwks(), 200, **CACHED)


def certs_v1(world: World, _: Call) -> Answer:
    return json_answer(world.keys.pems(), 200, **CACHED)
