"""Discovery and keys. Microsoft has no `revocation_endpoint`."""

from integrations.sandbox.http_messages import HttpAnswer, HttpCall, make_json_answer
from integrations.sandbox.microsoft import problems
from integrations.sandbox.microsoft.accounts import PERSONAL_TENANT
from integrations.sandbox.state import SandboxState

CACHED = {"Cache-Control": "max-age=86400, private"}
SHARED = frozenset({"common", "organizations"})


def get_issuer_tenant(state: SandboxState, path: str) -> str:
    """
    A GUID, or the placeholder of shared paths.

    :raises HttpProblem: AADSTS90002, unknown tenant
    """
    if path in SHARED:
        return "{tenantid}"
    if path in ("consumers", PERSONAL_TENANT):
        return PERSONAL_TENANT
    tenant = state.microsoft.accounts.find_tenant(path)
    if tenant is None:
        raise problems.make_aadsts_problem(90002, state.clock.now(), error="invalid_tenant")
    return tenant.tid


def show_openid_configuration(state: SandboxState, _: HttpCall, path: str) -> HttpAnswer:
    url, tenant = f"{state.url}/{path}", get_issuer_tenant(state, path)
    return make_json_answer(
        {
            "token_endpoint": f"{url}/oauth2/v2.0/token",
            "token_endpoint_auth_methods_supported": [
                "client_secret_post", "private_key_jwt", "client_secret_basic",
            ],
            "jwks_uri": f"{url}/discovery/v2.0/keys",
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "issuer": f"{state.authority}/{tenant}/v2.0",
            "request_uri_parameter_supported": False,
            "userinfo_endpoint": f"{state.url}/oidc/userinfo",
            "authorization_endpoint": f"{url}/oauth2/v2.0/authorize",
            "device_authorization_endpoint": f"{url}/oauth2/v2.0/devicecode",
            "http_logout_supported": True,
            "frontchannel_logout_supported": True,
            "end_session_endpoint": f"{url}/oauth2/v2.0/logout",
            "claims_supported": [
                "sub", "iss", "cloud_instance_name", "aud", "exp", "iat", "auth_time", "acr",
                "nonce", "preferred_username", "name", "tid", "ver", "at_hash", "c_hash", "email",
            ],
            "tenant_region_scope": None,
            "cloud_instance_name": "microsoftonline.com",
            "msgraph_host": "graph.microsoft.com",
        },
        200,
        **CACHED,
    )  # fmt: skip


def show_keys(state: SandboxState, _: HttpCall, path: str) -> HttpAnswer:
    """Each key names its issuer: on shared paths, any tenant."""
    issuer = f"{state.authority}/{get_issuer_tenant(state, path)}/v2.0"
    published = state.microsoft.keys.get_jwks()["keys"]
    return make_json_answer(
        {"keys": [key | {"issuer": issuer} for key in published]}, 200, **CACHED
    )
