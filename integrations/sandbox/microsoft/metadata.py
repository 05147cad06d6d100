"""Discovery and keys. There is no `revocation_endpoint`: Microsoft has none."""

from integrations.sandbox.messages import Answer, Call, json_answer
from integrations.sandbox.microsoft import problems
from integrations.sandbox.microsoft.accounts import PERSONAL
from integrations.sandbox.world import World

CACHED = {"Cache-Control": "max-age=86400, private"}
SHARED = frozenset({"common", "organizations"})


def tenant_of(world: World, path: str) -> str:
    """
    What stands for the tenant in an issuer: a GUID, or the placeholder of the shared paths.

    :raises Problem: AADSTS90002, there is no such tenant
    """
    if path in SHARED:
        return "{tenantid}"
    if path in ("consumers", PERSONAL):
        return PERSONAL
    tenant = world.microsoft.people.tenant(path)
    if tenant is None:
        raise problems.aadsts(90002, world.clock.now(), error="invalid_tenant")
    return tenant.tid


def openid_configuration(world: World, _: Call, path: str) -> Answer:
    url, tenant = f"{world.url}/{path}", tenant_of(world, path)
    return json_answer(
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
            "issuer": f"{world.authority}/{tenant}/v2.0",
            "request_uri_parameter_supported": False,
            "userinfo_endpoint": f"{world.url}/oidc/userinfo",
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


def keys(world: World, _: Call, path: str) -> Answer:
    """Each key says for whose tokens it is good: on shared paths, for any tenant's."""
    issuer = f"{world.authority}/{tenant_of(world, path)}/v2.0"
    published = world.microsoft.keys.jwks()["keys"]
    return json_answer({"keys": [key | {"issuer": issuer} for key in published]}, 200, **CACHED)
